import { afterEach, describe, expect, test, vi } from 'vitest'
import { openaiChatProvider } from '../../src/providers/openai-chat'
import { internet } from '../support/internet'
import { OPENAI } from '../support/openai-account'
import { asking, type Reader, run, type Told } from '../support/provider-run'
import { picture } from '../support/pictures'

afterEach(() => void vi.restoreAllMocks())

/** The smallest PNG: one transparent pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
const DATA = `data:image/png;base64,${PNG}`
const URL = 'https://files.example.com/a/cat'
const FILE = 'https://files.example.com/cat.png?x=1&y=2'

const RELAY = { ...OPENAI, provider: openaiChatProvider, baseUrl: 'https://relay.example.com/v1' }

/** The events of a relay's answer after its acceptance; files are pictures, and fetches are recorded. */
async function told(answer: Response, fetched: string[] = []): Promise<Told[]> {
  const handle = async (request: Request): Promise<Response> => {
    fetched.push(request.url)
    return new Response(await picture('a file', 2000))
  }
  const relay = (request: Request): Promise<Response> | Response =>
    request.method === 'POST' ? answer : handle(request)
  internet({ 'relay.example.com': { handle: relay }, 'files.example.com': { handle } })
  return (await run(asking('A cat'), { upstream: RELAY })).slice(1)
}

const image = (seen: string): object => ({ type: 'image', index: 0, picture: seen })
const BY_DATA = [image('70 PNG'), { type: 'summary' }]
const BY_URL = [image('2000 PNG'), { type: 'summary' }]

const whole = (message: object | null, more: object = {}): Response =>
  Response.json({ choices: [{ index: 0, message, finish_reason: 'stop' }], ...more })

const frame = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`

const stream = (...frames: string[]): Response =>
  new Response(frames.join(''), { headers: { 'content-type': 'text/event-stream' } })

const END = `${frame({}, 'stop')}data: [DONE]\n\n`

describe('a picture is found', () => {
  test.each<[string, object]>([
    ['in the list of images', { content: 'A cat.', images: [{ type: 'image_url', image_url: { url: DATA } }] }],
    ['in a part of the content', { content: [{ type: 'image_url', image_url: { url: DATA } }] }],
    ['in a part without its own object', { content: [{ type: 'image_url', image_url: DATA }] }],
    [
      'as base64 in a part',
      {
        content: [
          { type: 'text', text: 'Look:' },
          { type: 'output_image', b64_json: PNG },
        ],
      },
    ],
    ['as base64 with its source', { content: [{ type: 'image', source: { type: 'base64', data: PNG } }] }],
    [
      'as data of another type',
      { images: [{ image_url: { url: DATA.replace('image/png', 'application/octet-stream') } }] },
    ],
    ['in Markdown', { content: `Here it is:\n\n![cat](${DATA})\nMore?` }],
    ['bare', { content: DATA }],
    ['as data where an address comes first', { content: `![cat](${URL}) ${DATA}` }],
  ])('%s', async (_, message) => {
    expect(await told(whole(message))).toMatchObject(BY_DATA)
    expect(await told(stream(frame({ role: 'assistant' }), frame(message), END))).toMatchObject(BY_DATA)
  })

  test.each<[string, object, string]>([
    ['in the list of images', { content: FILE, images: [{ image_url: { url: URL } }] }, URL],
    ['in a part of the content', { content: [{ type: 'image_url', image_url: { url: URL } }] }, URL],
    ['in Markdown', { content: `See ${FILE}\n![cat](${URL} "A cat") [more](${FILE})` }, URL],
    ['bare, by its ending', { content: `Made by https://relay.example.com/about: ${FILE}。` }, FILE],
    ['as a link, by its ending', { content: `[download](${FILE})` }, FILE],
    ['bare, alone on its line', { content: `> 100%\n\n${URL}\n` }, URL],
    ['in HTML', { content: `<img alt="a cat" src="${FILE}">` }, FILE],
    [
      'in Markdown, relative',
      { content: '![image](/images/users-1/cat)' },
      'https://relay.example.com/images/users-1/cat',
    ],
    [
      'in a part, relative',
      { content: [{ type: 'image_url', image_url: { url: '/cat.png' } }] },
      'https://relay.example.com/cat.png',
    ],
  ])('by its address %s', async (_, message, address) => {
    const fetched: string[] = []
    const seen = await told(whole(message), fetched)
    expect(seen.slice(-2)).toMatchObject(BY_URL)
    expect(fetched).toEqual([address])
  })

  test.each<[string, object, object[]]>([
    ['one with its link', { created: 1, data: [{ url: FILE }] }, BY_URL],
    ['one with base64', { created: 1, data: [{ b64_json: PNG }] }, BY_DATA],
  ])('in an answer of the images API, %s', async (_, body, events) => {
    expect(await told(Response.json(body))).toMatchObject(events)
    expect(await told(stream(`data: ${JSON.stringify(body)}\n\n`))).toMatchObject(events)
  })

  test.each([
    ['of the other alphabet', DATA.replaceAll('/', '_').replaceAll('+', '-').replace('image_png', 'image/png')],
    ['behind a byte order mark', DATA],
  ])('%s', async (_, content) => {
    const body = `\ufeff${JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop' }] })}`
    expect(await told(new Response(body))).toMatchObject(BY_DATA)
  })

  test('in deltas, however it is cut', async () => {
    const content = `> 生成中 40%\n![cat](${DATA})`
    for (const length of [1, 3, 7, 50]) {
      const pieces = content.match(new RegExp(`.{1,${length}}`, 'gs')) ?? []
      const answer = stream(...pieces.map((piece) => frame({ content: piece })), END)
      expect(await told(answer)).toMatchObject([{ type: 'progress', percent: 40 }, ...BY_DATA])
    }
  })

  test('in an answer of the other kind than requested, under the wrong media type', async () => {
    const [json, events] = [whole({ content: DATA }), stream(': hello\n\n', frame({ content: DATA }), END)]
    const asEvents = { headers: { 'content-type': 'text/event-stream' } }
    const asJson = { headers: { 'content-type': 'application/json' } }
    expect(await told(new Response(`\n ${await json.text()}`, asEvents))).toMatchObject(BY_DATA)
    expect(await told(new Response(await events.text(), asJson))).toMatchObject(BY_DATA)
  })
})

describe('a stream', () => {
  test('has progress, and its cost', async () => {
    const usage = { prompt_tokens: 9, completion_tokens: 1300, completion_tokens_details: { image_tokens: 1290 } }
    const prose = ['排队中', '> 进度 20', '%\n', '> 60.5%', '> 进度 55%'].map((content) => frame({ content }))
    const last = `data: ${JSON.stringify({ choices: [], usage: { ...usage, cost: 0.0387 } })}\n\n`
    const answer = stream(...prose, frame({ images: [{ image_url: { url: DATA } }] }), frame({}, 'stop'), last)
    expect(await told(answer)).toMatchObject([
      { type: 'progress', percent: 20 },
      { type: 'progress', percent: 60 },
      image('70 PNG'),
      {
        type: 'summary',
        summary: { cost: 38_700, usage: { input: 9, output: 1300, outputDetails: { text: 10, image: 1290 } } },
      },
    ])
  })

  test('with letters counted as tokens has its usage ignored', async () => {
    const usage = { prompt_tokens: 9, completion_tokens: 400_000, total_tokens: 400_009 }
    const [, summary] = await told(whole({ content: DATA }, { usage }))
    expect(summary).toEqual({ type: 'summary', summary: { cost: undefined, usage: undefined } })
  })

  test.each([
    ['ends without saying so', frame({ content: DATA.slice(0, 90) })],
    ['is cut in the middle of a piece', frame({ content: DATA }).slice(0, 90)],
    ['ends in an address', frame({ content: `![cat](${FILE.slice(0, -4)}` })],
    ['ends behind an address that may go on', frame({ content: FILE })],
  ])('that %s has lost its picture', async (_, cut) => {
    expect((await told(stream(cut))).at(-1)).toMatchObject({ kind: 'lost' })
  })

  test.each([
    ['ends without an end behind a whole link', frame({ content: `![cat](${FILE})` })],
    [
      'is cut in the piece behind one',
      frame({ content: `![cat](${FILE})` }) + frame({ content: 'Enjoy!' }).slice(0, 60),
    ],
    ['is cut behind a list of images', frame({ images: [{ image_url: { url: FILE } }] })],
  ])('that %s has its picture', async (_, cut) => {
    const fetched: string[] = []
    expect(await told(stream(cut), fetched)).toMatchObject(BY_URL)
    expect(fetched).toEqual([FILE])
  })

  test.each([
    ['has words alone', [frame({ content: 'No. See https://relay.example.com/policy.' }), END], 'unavailable'],
    ['was refused by the model', [frame({ refusal: 'No.' }), END], 'rejected'],
    ['has an error', ['data: {"error":{"message":"busy","code":429}}\n\n'], 'throttled'],
    ['has an error in a sentence', ['data: {"error":"busy"}\n\n'], 'unavailable'],
    [
      'has an error in a line without a field',
      ['data: : wait\n\n{"error":{"message":"busy","code":429}}\n'],
      'throttled',
    ],
    [
      'names the wrong parameter',
      ['data: {"error":{"message":"Bad.","type":"invalid_request_error","param":"model","code":"invalid_value"}}\n\n'],
      'rejected',
    ],
  ])('that %s is a failure of the right kind', async (_, frames, kind) => {
    expect(await told(stream(...frames))).toMatchObject([{ kind }])
  })
})

test('a picture of many megabytes passes through piece by piece', async () => {
  const bytes = await picture('large', 12_000_000)
  const base64 = Buffer.from(bytes).toString('base64').replaceAll('/', '\\/')
  const content = `{"choices":[{"message":{"content":"![cat](data:image\\/png;base64,${base64})"},"finish_reason":"stop"}]}`
  let longest = 0
  internet({ 'relay.example.com': { handle: () => new Response(content) } })
  const reader: Reader = async (read) => {
    let length = 0
    for await (const chunk of read) {
      longest = Math.max(longest, chunk.length)
      length += chunk.length
    }
    return String(length)
  }
  const seen = await run(asking('A cat'), { upstream: RELAY, reader })
  expect(seen[1]).toMatchObject(image('12000000'))
  expect(longest).toBeLessThan(200_000)
})
