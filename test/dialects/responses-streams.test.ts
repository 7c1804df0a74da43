import type { OpenAI } from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { joined } from '../support/joining'
import { openai } from '../support/gateway'
import { asking, callIn, collect, type Event, pictureIn, respond, sha256Of, watch } from '../support/responses'
import { SteppedUpstream } from '../support/stepped-upstream'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const CALL = 'response.image_generation_call'
const BEGINNING = [
  'response.created',
  'response.in_progress',
  'response.output_item.added',
  `${CALL}.in_progress`,
  `${CALL}.generating`,
]
const ENDING = [
  `${CALL}.completed`,
  'response.output_item.done',
  'response.output_item.added',
  'response.content_part.added',
  'response.output_text.done',
  'response.content_part.done',
  'response.output_item.done',
  'response.completed',
]
const types = (events: readonly Event[]): string[] => events.map(({ type }) => type)
const numbers = (events: readonly Event[]): number[] => events.map((event) => event.sequence_number)

/** Every id of a response and of a call in a stream. */
const idsIn = (events: readonly Event[]): Set<string> =>
  new Set(
    events.flatMap((event) => {
      if ('response' in event) return [event.response.id, ...event.response.output.map((item) => item.id ?? '')]
      if ('item' in event) return [event.item.id ?? '']
      return 'item_id' in event ? [event.item_id] : []
    }),
  )

const partialsIn = (events: readonly Event[]): (string | number)[][] =>
  events.flatMap((event) =>
    event.type === `${CALL}.partial_image` ? [[event.partial_image_index, event.partial_image_b64]] : [],
  )

/** The response at the end of a stream. */
function completedIn(events: readonly Event[]): OpenAI.Responses.Response {
  const last = events.at(-1)
  if (last?.type !== 'response.completed') throw new Error(`the stream ends with ${last?.type}`)
  return last.response
}

describe.each([0, 1, 2, 3])('a stream with %i partials', (partials) => {
  test('has each event of a fresh picture in its place', async () => {
    const events = await collect('A cat', partials)
    const previews = Array.from({ length: partials }, () => `${CALL}.partial_image`)
    expect(types(events)).toEqual([...BEGINNING, ...previews, ...ENDING])
    expect(numbers(events)).toEqual(events.map((_, at) => at))
    expect(partialsIn(events).map(([index]) => index)).toEqual([0, 1, 2].slice(0, partials))
    expect(idsIn(events).size).toBe(3)
  })

  test('has one picture and the closing message as its items and in its response', async () => {
    const events = await collect('A cat', partials)
    const items = (kind: 'added' | 'done'): unknown[] =>
      events.flatMap((event) => (event.type === `response.output_item.${kind}` && 'item' in event ? [event.item] : []))
    expect(completedIn(events).output).toEqual(items('done'))
    expect(items('added')).toEqual([
      { id: expect.any(String), type: 'image_generation_call', status: 'in_progress' },
      { id: expect.any(String), type: 'message', status: 'in_progress', role: 'assistant', content: [] },
    ])
    expect(pictureIn(completedIn(events))).toBe(pictureIn(await respond()))
  })

  test('joins a running picture late', async () => {
    const gate = new SteppedUpstream(upstream, partials)
    const seen = BEGINNING.length + partials
    const first = watch('A cat', partials)
    await vi.waitUntil(() => upstream.calls.length === 1 && (partials === 0 || first.events.length === seen))
    const { begun: late } = await joined(() => watch('A cat', partials))
    await vi.waitUntil(() => partials === 0 || late.events.length > 5)
    gate.open()
    expect([await first.ended, await late.ended, upstream.calls.length]).toEqual([undefined, undefined, 1])
    expect(pictureIn(completedIn(late.events))).toBe(pictureIn(completedIn(first.events)))
    expect(partialsIn(late.events)).toEqual(partialsIn(first.events).slice(-1))
    expect(numbers(late.events)).toEqual(late.events.map((_, at) => at))
    expect(idsIn([...first.events, ...late.events]).size).toBe(6)
  })

  test('goes on as a conversation by the id of its beginning', async () => {
    const [created, ...rest] = await collect('A cat', partials)
    if (created?.type !== 'response.created') throw new Error('the stream has no beginning')
    await respond({ input: 'Add a hat', previous_response_id: created.response.id })
    expect(upstream.calls[1]).toMatchObject({
      path: '/v1/images/edits',
      files: [{ sha256: sha256Of(pictureIn(completedIn(rest))) }],
    })
  })
})

describe('a stream', () => {
  test('of a cached picture has no previews', async () => {
    const made = await respond()
    const events = await collect('A cat', 3)
    expect([types(events), upstream.calls.length]).toEqual([[...BEGINNING, ...ENDING], 1])
    expect(numbers(events)).toEqual(events.map((_, at) => at))
    expect(idsIn(events).size).toBe(3)
    expect(pictureIn(completedIn(events))).toBe(pictureIn(made))
  })

  test('goes on from its own picture, though another one was made after it', async () => {
    const ask = async (): Promise<OpenAI.Responses.Response> => {
      const headers = { 'cache-control': 'no-cache' }
      const stream = openai().responses.stream({ ...asking({}, { partial_images: 1 }), stream: true }, { headers })
      return await stream.finalResponse()
    }
    const [first, second] = [await ask(), await ask()]
    const cached = completedIn(await collect('A cat', 1))
    const third = await ask()
    for (const { id } of [first, second, cached, third]) await respond({ input: 'Add a hat', previous_response_id: id })
    const edited = upstream.calls.filter(({ path }) => path === '/v1/images/edits').map(({ files }) => files[0]?.sha256)
    expect(edited).toEqual([first, second, third].map((each) => sha256Of(pictureIn(each))))
    expect(pictureIn(cached)).toBe(pictureIn(second))
  })

  test("is assembled by the SDK's own helper", async () => {
    const stream = openai().responses.stream({ ...asking({}, { partial_images: 2 }), stream: true })
    const seen: number[] = []
    stream.on(`${CALL}.partial_image`, ({ partial_image_index }) => seen.push(partial_image_index))
    const answer = await stream.finalResponse()
    expect([seen, callIn(answer).status]).toEqual([[0, 1], 'completed'])
  })

  test('with previews equals a request without', async () => {
    await collect('A cat', 2)
    await collect('A cat', 0)
    expect(upstream.calls).toHaveLength(1)
  })
})
