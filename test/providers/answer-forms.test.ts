import { afterEach, describe, expect, test, vi } from 'vitest'
import { arkProvider } from '../../src/providers/ark'
import { azureOpenaiProvider } from '../../src/providers/azure-openai'
import { openaiProvider } from '../../src/providers/openai'
import { openrouterProvider } from '../../src/providers/openrouter'
import type { Provider } from '../../src/providers/provider'
import { recraftProvider } from '../../src/providers/recraft'
import { togetherProvider } from '../../src/providers/together'
import { xaiProvider } from '../../src/providers/xai'
import { internet } from '../support/internet'
import { OPENAI } from '../support/openai-account'
import { picture } from '../support/pictures'
import { asking, run, type Told } from '../support/provider-run'

afterEach(() => void vi.restoreAllMocks())

/** The smallest PNG: one transparent pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
/** The start of a JPEG. Its base64 looks like a path. */
const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0xfb, 0xff).toBase64()
const DATA = `data:image/png;base64,${PNG}`
const FILE = 'https://files.example.com/cat.png'
const FILES = [1, 2, 3].map((number) => `https://files.example.com/${number}.png`)

/** The events of an answer with its text and media type, for two pictures. */
async function told(body: string, type: string, provider: Provider = openaiProvider, n = 2): Promise<Told[]> {
  const answer = (): Response => new Response(body, { headers: { 'content-type': type } })
  const file = async (): Promise<Response> => new Response(await picture('a file', 2000))
  internet({
    'relay.example.com': { handle: (request) => (request.method === 'POST' ? answer() : file()) },
    'files.example.com': { handle: file },
  })
  const upstream = { ...OPENAI, provider, baseUrl: 'https://relay.example.com/v1' }
  return (await run(asking('A cat', { n, partials: 0 }), { upstream })).slice(1)
}

const EMBEDDED = '70 PNG'
const LINKED = '2000 PNG'
const made = (...pictures: string[]): object[] => [
  ...pictures.map((each, index) => ({ type: 'image', index, picture: each })),
  { type: 'summary' },
]

describe('JSON is read', () => {
  test.each<[string, unknown, object[]]>([
    ['with one picture in place of a list', { data: { b64_json: PNG } }, made(EMBEDDED)],
    ['with one link in place of a list', { data: { url: FILE } }, made(LINKED)],
    ['without an envelope', { b64_json: PNG, size: '1x1' }, made(EMBEDDED)],
    ['in a list', [{ b64_json: PNG }], made(EMBEDDED)],
    ['with base64 in a list of strings', { data: [PNG, PNG] }, made(EMBEDDED, EMBEDDED)],
    ['with links in a list of strings', { images: FILES.slice(0, 2) }, made(LINKED, LINKED)],
    ['with a link to each picture and its base64', { data: [{ url: FILE, b64_json: PNG }] }, made(EMBEDDED)],
    ['with the link of a picture in another entry', { data: [{ url: FILE }, { b64_json: PNG }] }, made(EMBEDDED)],
    [
      'with the links of pictures in other entries',
      { data: [{ b64_json: PNG }, { b64_json: PNG }, { url: FILES[0] }, { url: FILES[1] }] },
      made(EMBEDDED, EMBEDDED),
    ],
    [
      'with a link beside a whole entry',
      { data: [{ url: FILE, b64_json: PNG }, { url: FILES[0] }] },
      made(EMBEDDED, LINKED),
    ],
    ['with the same list twice', { images: [{ url: FILE }], data: [{ url: FILE }] }, made(LINKED)],
    [
      'with the first picture again outside of its list',
      { url: FILES[0], data: FILES.slice(0, 2) },
      made(LINKED, LINKED),
    ],
    [
      'with entries without a picture',
      { data: [null, { error: { code: 'x' } }, { b64_json: '' }, { url: null, b64_json: PNG }, {}, { b64_json: PNG }] },
      made(EMBEDDED, EMBEDDED),
    ],
    ['with a data URL', { data: [{ url: DATA }] }, made(EMBEDDED)],
    ['with a data URL in a data URL', { data: [{ b64_json: `data:image/png;base64,${DATA}` }] }, made(EMBEDDED)],
    ['with a link in a data URL', { data: [{ b64_json: `data:image/png;base64,${FILE}` }] }, made(LINKED)],
    ['with a link among blanks', { data: [{ url: `\n ${FILE} ` }] }, made(LINKED)],
    ['with base64 as a link', { data: [{ url: PNG }] }, made(EMBEDDED)],
    ['with base64 that looks like a path', { data: [{ url: JPEG }] }, made('13 \u00d8\u00ff\u00e0')],
    [
      'with the other alphabet',
      { data: [{ b64_json: PNG.replaceAll('+', '-').replaceAll('/', '_') }] },
      made(EMBEDDED),
    ],
    ["with Google's names", { predictions: [{ bytesBase64Encoded: PNG }] }, made(EMBEDDED)],
    ["with Stability's names", { artifacts: [{ base64: PNG, seed: 1 }] }, made(EMBEDDED)],
  ])('%s', async (_, body, events) => {
    expect(await told(JSON.stringify(body), 'application/json')).toMatchObject(events)
  })

  test('with the revised prompt of each picture, whatever stands between them', async () => {
    const data = [
      null,
      { b64_json: PNG, revised_prompt: 'One' },
      { revised_prompt: 'None' },
      { b64_json: PNG, revised_prompt: 'Two' },
    ]
    const events = await told(JSON.stringify({ data }), 'application/json')
    expect(events.at(-1)).toMatchObject({ summary: { revisedPrompts: ['One', 'Two'] } })
  })
})

const JSON_ANSWER = JSON.stringify({ created: 1, data: [{ b64_json: PNG }] })
const EVENTS = `event: image_generation.completed\ndata: ${JSON.stringify({ b64_json: PNG })}\n\n`
const BLANKS = `\ufeff${' '.repeat(3000)}\n\n`

describe.each<[string, string[]]>([
  ['JSON', [JSON_ANSWER, BLANKS + JSON_ANSWER]],
  ['a stream of events', [EVENTS, BLANKS + EVENTS, `: wait\n\n${EVENTS}`, `retry: 3\n${EVENTS}`]],
])('%s is read', (_, bodies) => {
  test.each(['application/json', 'text/event-stream', 'text/plain'])('as %s, behind blanks too', async (type) => {
    for (const body of bodies) expect(await told(body, type, openaiProvider, 1)).toMatchObject(made(EMBEDDED))
  })
})

test.each([
  ['azure-openai', azureOpenaiProvider],
  ['xai', xaiProvider],
  ['together', togetherProvider],
  ['recraft', recraftProvider],
  ['ark', arkProvider],
  ['openrouter', openrouterProvider],
])('%s reads the same forms', async (_, provider) => {
  const split = JSON.stringify({ data: [{ url: FILE }, { b64_json: PNG }] })
  expect(await told(split, 'text/event-stream', provider)).toMatchObject(made(EMBEDDED))
  expect(await told(`\ufeff${EVENTS}`, 'application/json', provider, 1)).toMatchObject(made(EMBEDDED))
  expect(await told('{"data":{"url":"/cat.png"}}', 'text/plain', provider)).toMatchObject(made(LINKED))
})

test.each([
  ['JSON', `${BLANKS}{"error":{"message":"busy","code":429}}`],
  ['an event', `${BLANKS}event: error\ndata: {"error":{"message":"busy","code":429}}\n\n`],
])('an error behind blanks is one, as %s', async (_, body) => {
  for (const type of ['application/json', 'text/event-stream'])
    expect(await told(body, type)).toMatchObject([{ kind: 'throttled' }])
})
