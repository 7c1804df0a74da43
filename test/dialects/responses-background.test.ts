import type { OpenAI } from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, KEY, openai, post } from '../support/gateway'
import { ringTeam } from '../support/alarms'
import { called } from '../support/jobs'
import {
  type Answer,
  asking,
  callIn,
  type Event,
  pictureIn,
  postResponse,
  respond,
  sha256Of,
} from '../support/responses'
import { SteppedUpstream } from '../support/stepped-upstream'
import { CAT, operate, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

type Said = Parameters<typeof respond>[0]

const begin = (said: Said = {}): Promise<Answer> => respond({ background: true, ...said })

/** Waits for the end of a response, as the API's guide does. */
const finished = (id: string): Promise<Answer> =>
  vi.waitUntil(
    async () => {
      const answer = await openai().responses.retrieve(id)
      return answer.status !== 'queued' && answer.status !== 'in_progress' && answer
    },
    { timeout: 20_000, interval: 20 },
  )

describe('a background response', () => {
  test('is queued at once, has its picture later, and goes on as a conversation', async () => {
    const begun = await begin({ metadata: { order: '7' } })
    expect(begun).toMatchObject({ status: 'queued', background: true, output: [], completed_at: null })
    const answer = await finished(begun.id)
    const { status, usage } = answer
    expect({ ...answer, status: 'queued', output: [], completed_at: null, usage: null }).toEqual(begun)
    expect([status, usage?.output_tokens, callIn(answer).status]).toEqual(['completed', 196, 'completed'])
    await respond({ input: 'Add a hat', previous_response_id: begun.id })
    expect(upstream.calls.at(-1)).toMatchObject({ files: [{ sha256: sha256Of(pictureIn(answer)) }] })
  })

  test('keeps its own parameters beside an equal one and a job of another wire format', async () => {
    const one = await begin({ metadata: { order: '1' } })
    const other = await begin({ metadata: { order: '2' } })
    await post('/v1/images/generations', CAT, { prefer: 'respond-async' })
    const [first, second] = [await finished(one.id), await finished(other.id)]
    expect([first.metadata, second.metadata, first.id]).toEqual([{ order: '1' }, { order: '2' }, one.id])
    expect([pictureIn(first), upstream.calls.length]).toEqual([pictureIn(second), 1])
    const third = await begin()
    await respond({ input: 'Add a hat', previous_response_id: third.id })
    expect(pictureIn(await finished(third.id))).toBe(pictureIn(first))
  })

  test('keeps its picture while a later one of the same request is made', async () => {
    const first = await finished((await begin()).id)
    const gate = new SteppedUpstream(upstream, 0)
    const second = await respond({ background: true }, {}, { 'cache-control': 'no-cache' })
    await called(upstream, 2)
    const { responses } = openai()
    expect([await responses.retrieve(first.id), (await responses.retrieve(second.id)).status]).toEqual([
      first,
      'in_progress',
    ])
    gate.open()
    expect(pictureIn(await finished(second.id))).not.toBe(pictureIn(first))
    expect(await responses.retrieve(first.id)).toEqual(first)
  })

  test.each([
    ['moderation', 'image_content_policy_violation', 'image_generation_user_error'],
    ['500', 'server_error', 'server_error'],
  ])('that fails has the error of the API (@fault=%s)', async (fault, code, type) => {
    const { id } = await begin({ input: `A cat @fault=${fault}` })
    expect(await finished(id)).toMatchObject({ status: 'failed', error: { code, type }, output: [] })
  })

  test('is cancelled once, and stays cancelled', async () => {
    const { id } = await begin({ input: 'A cat @delay=20000' })
    await called(upstream, 1)
    const { responses } = openai()
    expect((await responses.retrieve(id)).status).toBe('in_progress')
    const told = { id, status: 'cancelled', error: null, output: [] }
    expect([await responses.cancel(id), await responses.cancel(id), await responses.retrieve(id)]).toMatchObject([
      told,
      told,
      told,
    ])
    expect(upstream.calls).toMatchObject([{ outcome: 'aborted' }])
  })

  test('is deleted after its end', async () => {
    const slow = await begin({ input: 'A cat @delay=20000' })
    const { responses } = openai()
    await expect(responses.delete(slow.id)).rejects.toMatchObject({ status: 409 })
    await responses.cancel(slow.id)
    const { id } = await begin()
    await finished(id)
    expect(await responses.delete(id)).toEqual({ id, object: 'response', deleted: true })
    await expect(responses.retrieve(id)).rejects.toMatchObject({ status: 404 })
    const sync = await respond()
    expect(await responses.delete(sync.id)).toMatchObject({ deleted: true })
  })

  test('belongs to its team, and no other id is found', async () => {
    const { key } = await team('acme')
    const [{ id }, sync] = [await begin(), await respond({ input: 'A dog' })]
    const notFound = { status: 404, message: expect.stringContaining("Those with 'background': true") }
    for (const [bearer, named] of [
      [key, id],
      [KEY, sync.id],
      [KEY, 'resp_68d1'],
      [KEY, id.slice(0, -1)],
    ] as const)
      for (const [path, method] of [
        ['', 'GET'],
        ['/cancel', 'POST'],
      ] as const)
        expect(await errorOf(await visit(bearer, `/v1/responses/${named}${path}`, method))).toMatchObject(notFound)
    expect((await visit(key, `/v1/responses/${id}`, 'DELETE')).status).toBe(404)
  })

  test('is not found by the next team of the same id', async () => {
    const old = await team('acme')
    const begun = await postResponse({ background: true }, { authorization: `Bearer ${old.key}` })
    const { id } = await begun.json<Answer>()
    const path = `/v1/responses/${id}`
    const show = async (): Promise<Answer> => await (await visit(old.key, path)).json<Answer>()
    await vi.waitUntil(async () => (await show()).status === 'completed', { timeout: 20_000, interval: 20 })
    await operate('DELETE', '/teams/acme')
    await ringTeam('acme')
    const next = await vi.waitUntil(async () => await team('acme').catch(() => undefined))
    for (const [to, method] of [
      [path, 'GET'],
      [`${path}/cancel`, 'POST'],
      [path, 'DELETE'],
    ] as const)
      expect([method, (await visit(next.key, to, method)).status]).toEqual([method, 404])
  })

  test('is refused if it must not be stored', async () => {
    const error = await errorOf(await postResponse({ background: true, store: false }))
    expect(error).toMatchObject({ status: 400, param: 'store' })
    expect(upstream.calls).toHaveLength(0)
  })
})

/** Reads events until `isLast`, and then leaves the stream, if it is still open. */
async function eventsOf(
  stream: AsyncIterable<Event> & { controller: AbortController },
  isLast: (event: Event) => boolean = () => false,
): Promise<Event[]> {
  const events: Event[] = []
  for await (const event of stream) {
    events.push(event)
    if (isLast(event)) break
  }
  return events
}

const resumed = async (id: string, starting_after?: number): Promise<Event[]> => {
  const query: OpenAI.Responses.ResponseRetrieveParamsStreaming =
    starting_after === undefined ? { stream: true } : { stream: true, starting_after }
  return await eventsOf(await openai().responses.retrieve(id, query))
}

describe('the stream of a background response', () => {
  const streamed = async (said: Said, partial_images: number) =>
    await openai().responses.create({ ...asking({ background: true, ...said }, { partial_images }), stream: true })

  test('is resumed after any event, while the picture is made and later', async () => {
    const gate = new SteppedUpstream(upstream, 1)
    const isPreview = ({ type }: Event): boolean => type.endsWith('.partial_image')
    const seen = await eventsOf(await streamed({}, 2), isPreview)
    const [created, queued] = seen
    if (created?.type !== 'response.created') throw new Error('the stream has no beginning')
    expect([queued?.type, seen.map((event) => event.sequence_number)]).toEqual([
      'response.queued',
      [0, 1, 2, 3, 4, 5, 6],
    ])
    const { id } = created.response
    const rest = resumed(id, 6)
    await vi.waitUntil(async () => (await openai().responses.retrieve(id)).status === 'in_progress')
    gate.open()
    const [second, ...ending] = await rest
    expect([second?.type, second?.sequence_number, upstream.calls.length]).toEqual([seen.at(-1)?.type, 7, 1])
    expect(ending.at(-1)).toMatchObject({ type: 'response.completed', response: { id, status: 'completed' } })
    expect(await resumed(id, 7)).toEqual(ending)
    expect(await resumed(id)).toEqual([...seen.slice(0, 6), ...ending])
  })

  test('outlives its reader in the queue', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const { responses } = openai({ apiKey: key })
    const first = await responses.create(asking({ background: true, input: 'A dog @delay=300' }))
    const stream = await responses.create({ ...asking({ background: true }), stream: true })
    const [created] = await eventsOf(stream, () => true)
    if (created?.type !== 'response.created') throw new Error('the stream has no beginning')
    const events = await eventsOf(await responses.retrieve(created.response.id, { stream: true }))
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { id: created.response.id } })
    expect((await responses.retrieve(first.id)).status).toBe('completed')
  })

  test.each([
    ['fails', 'A cat @fault=500', 'failed'],
    ['is cancelled', 'A cat @delay=20000', 'cancelled'],
  ])('ends with an error if the response %s', async (_, input, status) => {
    const { id } = await begin({ input })
    await called(upstream, 1)
    if (status === 'cancelled') await openai().responses.cancel(id)
    const shown = await visit(KEY, `/v1/responses/${id}?stream=true&starting_after=5`)
    const text = await shown.text()
    expect([shown.headers.get('content-type'), text.match(/^event: .*$/gm)]).toEqual([
      'text/event-stream',
      ['event: error', 'event: response.failed'],
    ])
    expect(text).toContain(`"status":"${status}"`)
  })
})
