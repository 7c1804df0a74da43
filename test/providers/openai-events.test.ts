import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/streams/bytes'
import { internet } from '../support/internet'
import { type Told, asking, look, run } from '../support/provider-run'
import { upstreams } from '../support/upstreams'

upstreams()

/** The smallest PNG: one transparent pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
const PICTURE = { b64_json: PNG }
const PARTIAL = 'image_generation.partial_image'
const COMPLETED = 'image_generation.completed'
const ERROR = { message: 'Boom.', type: 'server_error', param: null, code: null }

const event = (name: string | undefined, data: object | string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`

const asStream = (body: BodyInit): Response =>
  new Response(body, { headers: { 'content-type': 'Text/Event-Stream; charset=utf-8' } })

/** The events of an upstream's stream after its acceptance. */
async function told(body: string, n = 1): Promise<Told[]> {
  internet({ 'api.openai.com': { handle: () => asStream(body) } })
  return (await run(asking('A cat', { n }))).slice(1)
}

const seen = '70 PNG'
const partial = (index: number, partial: number): object => ({ type: 'partial', index, partial, picture: seen })
const image = (index: number): object => ({ type: 'image', index, picture: seen })
const SUMMARY = { type: 'summary' }

describe('an event is known', () => {
  const whole = [partial(0, 0), image(0), SUMMARY]
  test.each([
    ['by its name alone', PARTIAL, COMPLETED, () => PICTURE],
    ['by its type alone', undefined, undefined, (type: string) => ({ type, ...PICTURE })],
    ['by its type where its name is unknown', 'message', 'message', (type: string) => ({ type, ...PICTURE })],
    ['by its name where its type stands behind', PARTIAL, COMPLETED, (type: string) => ({ ...PICTURE, type })],
    ['by names of another kind', 'image_edit.partial_image', 'image.completed', () => PICTURE],
  ])('%s', async (_, first, second, data) => {
    expect(await told(event(first, data(PARTIAL)) + event(second, data(COMPLETED)))).toMatchObject(whole)
  })

  test.each([
    ['its type stands behind it', event(undefined, { ...PICTURE, type: COMPLETED })],
    ['its event is of another kind', event('image_generation.other', PICTURE)],
    ['its event has neither name nor type', event(undefined, PICTURE)],
    ['its event is a whole answer', event(undefined, { created: 1, data: [PICTURE] })],
    ['its event has a list', event('message', [PICTURE])],
    ['comments are sent as data', `data: : PROCESSING\n\n${event(COMPLETED, PICTURE)}`],
    ['its line has no field', `: wait\n\n${JSON.stringify({ data: [PICTURE] })}\n`],
  ])('by its picture where %s', async (_, body) => {
    expect(await told(body)).toMatchObject([image(0), SUMMARY])
  })

  test.each([
    ['its type stands behind it', { ...PICTURE, type: PARTIAL }, 'withdrawn'],
    ['its index stands behind it', { ...PICTURE, partial_image_index: 0 }, 'withdrawn'],
    ['its index stands in front of it', { partial_image_index: 0, ...PICTURE }, seen],
  ])('as a preview where %s', async (_, data, picture) => {
    const body = event(undefined, data) + event(COMPLETED, PICTURE)
    expect(await told(body)).toMatchObject([{ picture }, image(0), SUMMARY])
  })

  test('but unimportant without a picture', async () => {
    const others =
      event('ping', {}) +
      event(undefined, { type: 'keepalive', error: null }) +
      'data\n\n: wait\n\n' +
      event(PARTIAL, {})
    expect(await told(others + event(PARTIAL, PICTURE) + event(COMPLETED, PICTURE))).toMatchObject(whole)
  })
})

test('previews are counted for each picture, whatever their own numbers', async () => {
  const numbered = (partial_image_index: number): string => event(PARTIAL, { ...PICTURE, partial_image_index })
  const body = numbered(7) + numbered(0) + event(COMPLETED, PICTURE) + numbered(2) + event(COMPLETED, PICTURE)
  expect(await told(body, 2)).toMatchObject([partial(0, 0), partial(0, 1), image(0), partial(1, 0), image(1), SUMMARY])
})

test('an upstream that ends before all pictures has made those', async () => {
  const body = event(COMPLETED, { ...PICTURE, size: '1x1', revised_prompt: 'One cat' })
  const summary = { size: '1x1', revisedPrompts: ['One cat'] }
  expect(await told(body, 3)).toMatchObject([image(0), { ...SUMMARY, summary }])
  expect(await told(`${body}data: [DONE]\n\n${body}`, 3)).toMatchObject([image(0), { ...SUMMARY, summary }])
})

test.each([
  [
    'of all',
    [
      [10, 20],
      [1, 2],
    ],
    { input: 11, output: 22, total: 33, inputDetails: undefined },
  ],
  ['of one', [undefined, [1, 2]], { input: 1, output: 2, total: 3 }],
  ['of none', [undefined, undefined], undefined],
])('the usage is the sum %s with a usage', async (_, counts, usage) => {
  const details = { input_tokens_details: { text_tokens: 10, image_tokens: 0 } }
  const bodies = counts.map((count, index) => {
    const said = count && { input_tokens: count[0], output_tokens: count[1], ...(index === 0 ? details : {}) }
    return event(COMPLETED, { ...PICTURE, usage: said })
  })
  expect((await told(bodies.join(''), 2)).at(-1)).toMatchObject({ summary: { usage } })
})

describe('an error', () => {
  const { message, ...rest } = ERROR
  test.each([
    ['in its envelope', event('error', { error: ERROR })],
    ['without one', event('error', { type: 'error', message })],
    ['without a name', event(undefined, { error: ERROR })],
    ['by its type', event(undefined, { ...rest, message, type: 'error' })],
    ['in a line without a field', `${JSON.stringify({ error: ERROR })}\n`],
    ['in such a line behind a comment as data', `data: : wait\n${JSON.stringify({ error: ERROR }, null, 2)}\n\n`],
    ['in a sentence', event(undefined, { error: message })],
    ['in an event of another kind', event(PARTIAL, { error: ERROR })],
  ])('%s is that of the answer, unless there is a picture', async (_, body) => {
    const unavailable = { kind: 'unavailable', message: 'answered with status 200' }
    expect(await told(body, 2)).toMatchObject([unavailable])
    expect(await told(event(PARTIAL, PICTURE) + body, 2)).toMatchObject([partial(0, 0), unavailable])
    const lost = { kind: 'lost', message: 'failed in the middle of its answer' }
    expect(await told(event(COMPLETED, PICTURE) + body, 2)).toMatchObject([image(0), lost])
  })

  test('names the reason of a refusal', async () => {
    const blocked = { ...ERROR, code: 'moderation_blocked' }
    const refused = [{ kind: 'rejected', facts: { failure: { code: 'content_rejected' } } }]
    expect(await told(event('error', { error: blocked }))).toMatchObject(refused)
    expect(await told(event('error', { ...blocked, type: 'error' }))).toMatchObject(refused)
  })
})

test.each([
  ['nothing', ''],
  ['only [DONE]', 'data: [DONE]\n\n'],
  ['something that is not JSON', 'data: Just a moment\n\n'],
  ['a list', 'data: []\n\n'],
  ['a picture without its end', event(COMPLETED, PICTURE).slice(0, -10)],
])('a stream of %s is lost', async (_, body) => {
  expect((await told(body)).at(-1)).toMatchObject({ kind: 'lost' })
})

test('a picture by its URL is fetched', async () => {
  const file = { handle: () => new Response(Uint8Array.fromBase64(PNG)) }
  const body =
    event(PARTIAL, { url: 'https://files.example.com/a' }) + event(COMPLETED, { url: 'https://files.example.com/b' })
  internet({ 'api.openai.com': { handle: () => asStream(body) }, 'files.example.com': file })
  expect((await run(asking('A cat'))).slice(1)).toMatchObject([partial(0, 0), image(0), SUMMARY])
})

test('nothing after the last picture is awaited', async () => {
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(event(COMPLETED, PICTURE).trimEnd())),
    pull: () => new Promise(() => {}),
    cancel: () => void (cancelled = true),
  })
  internet({ 'api.openai.com': { handle: () => asStream(body) } })
  expect(await run(asking('A cat'))).toMatchObject([{ type: 'accepted' }, image(0), SUMMARY])
  expect(cancelled).toBe(true)
})

test.each([
  ['read', true],
  ['left in the middle', false],
])('a preview of 8 MB that is %s passes in pieces, byte for byte', async (_, isRead) => {
  const bytes = new Uint8Array(8_000_000).map((_, at) => (at * 7919) % 251)
  const base64 = bytes.toBase64()
  const texts = [
    `event: ${PARTIAL}\r\ndata: {"b64_json":"`,
    ...Array.from({ length: Math.ceil(base64.length / 50_000) }, (_, at) =>
      base64.slice(at * 50_000, (at + 1) * 50_000),
    ),
    `"}\r\n\r\n${event(COMPLETED, PICTURE)}`,
  ]
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const text = texts[sent++]
      if (text === undefined) controller.close()
      else controller.enqueue(new TextEncoder().encode(text))
    },
  })
  internet({ 'api.openai.com': { handle: () => asStream(body) } })
  const hash = createHash('sha256')
  let longest = 0
  const digest = async (preview: Bytes): Promise<string> => {
    for await (const chunk of preview) {
      hash.update(chunk)
      longest = Math.max(longest, chunk.length)
      if (!isRead) return 'left'
    }
    return hash.digest('hex')
  }
  const reader = (each: Bytes, of: Parameters<typeof look>[1]): Promise<string> =>
    of.type === 'partial' ? digest(each) : look(each, of)
  const preview = { type: 'partial', picture: isRead ? createHash('sha256').update(bytes).digest('hex') : 'left' }
  expect(await run(asking('A cat'), { reader })).toMatchObject([{ type: 'accepted' }, preview, image(0), SUMMARY])
  expect(longest).toBeLessThanOrEqual(128 * 1024)
})
