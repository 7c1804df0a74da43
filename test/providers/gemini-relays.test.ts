import { afterEach, expect, test, vi } from 'vitest'
import { geminiProvider } from '../../src/providers/gemini'
import { internet } from '../support/internet'
import { OPENAI } from '../support/openai-account'
import { picture } from '../support/pictures'
import { asking, run, type Told } from '../support/provider-run'

afterEach(() => void vi.restoreAllMocks())

/** The smallest PNG: one transparent pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
const DATA = `data:image/png;base64,${PNG}`
const FILE = 'https://files.example.com/cat.png'

/** The events of a relay's answer in the form of the Gemini API, and the GETs after it. */
async function told(body: string, gets: string[] = [], type = 'application/json'): Promise<Told[]> {
  const handle = async (request: Request): Promise<Response> => {
    if (request.method === 'POST') return new Response(body, { headers: { 'content-type': type } })
    const key = request.headers.get('x-goog-api-key')
    gets.push(`${request.url} ${key ?? 'without a key'}`)
    if (request.url.includes('/private/') && key === null) return new Response(null, { status: 401 })
    return new Response(await picture('a file', 2000))
  }
  internet({ 'relay.example.com': { handle }, 'files.example.com': { handle } })
  const upstream = { ...OPENAI, provider: geminiProvider, baseUrl: 'https://relay.example.com' }
  return await run(asking('A cat', { partials: 0 }), { upstream })
}

const EMBEDDED = [{ type: 'image', index: 0, picture: '70 PNG' }, { type: 'accepted' }, { type: 'summary' }]
const LINKED = [{ type: 'image', index: 0, picture: '2000 PNG' }, { type: 'accepted' }, { type: 'summary' }]

const inline = (data: string): object => ({ inlineData: { mimeType: 'image/png', data } })
const answer = (...parts: object[]): object => ({
  candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 1120, totalTokenCount: 1129 },
})
const event = (data: object | string): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const words = (text: string, thought?: true): object => ({ text, thought })

test.each<[string, object]>([
  ['in the other alphabet', answer(inline(PNG.replaceAll('+', '-').replaceAll('/', '_')))],
  ['as a data URL', answer(inline(DATA))],
  ['as the data URL of a file', answer({ fileData: { fileUri: DATA } })],
  ['as a data URL in Markdown', answer(words(`Here:\n\n![image](${DATA})\nMore?`))],
  ['as a data URL in the other alphabet', answer(words(`![image](${DATA.replaceAll('/P', '_P')})`))],
  ['behind words', answer(words('A cat.'), inline(PNG))],
  ['in a later candidate', { candidates: [{ finishReason: 'NO_IMAGE' }, { content: { parts: [inline(PNG)] } }] }],
  ['in a list around the answer', [answer(words('A cat.')), answer(inline(PNG))]],
  ['behind a draft in words', answer(words(`![draft](${DATA})`, true), words(FILE, true), inline(PNG))],
])('a picture is found %s', async (_, body) => {
  expect(
    (await told(JSON.stringify(body))).filter((each) => !('picture' in each) || each.picture !== 'withdrawn'),
  ).toMatchObject(EMBEDDED)
})

test.each<[string, object, string]>([
  ['in place of data', answer(inline(FILE)), FILE],
  ['of a file', answer({ fileData: { mimeType: 'image/png', fileUri: FILE } }), FILE],
  ['of a file, in snake case', answer({ file_data: { file_uri: FILE } }), FILE],
  ['in Markdown', answer(words(`Here:\n\n![image](${FILE})`)), FILE],
  ['in HTML', answer(words(`<img alt="a cat" src="${FILE}">`)), FILE],
  [
    'outside of the thoughts',
    answer(words('![a](https://files.example.com/draft.png)', true), words(`![b](${FILE})`)),
    FILE,
  ],
])('a picture is found by its link %s, without the key', async (_, body, address) => {
  const gets: string[] = []
  expect(await told(JSON.stringify(body), gets)).toMatchObject(LINKED)
  expect(gets).toEqual([`${address} without a key`])
})

test('a link of the relay that wants its key gets it in a picture field', async () => {
  const gets: string[] = []
  const address = 'https://relay.example.com/private/cat.png'
  expect(await told(JSON.stringify(answer({ fileData: { fileUri: '/private/cat.png' } })), gets)).toMatchObject(LINKED)
  expect(gets).toEqual([`${address} without a key`, `${address} ${OPENAI.credential}`])
})

test.each(['application/json', 'text/event-stream'])('events under %s are read', async (type) => {
  const comment = event(': PROCESSING')
  const parts = [{ candidates: [{ content: { parts: [inline(PNG)] } }] }, answer()]
  const [image, , summary] = await told(comment + parts.map(event).join(''), [], type)
  expect([image, summary]).toMatchObject([EMBEDDED[0], { summary: { usage: { output: 1120 } } }])
  const link = [`![image](${FILE.slice(0, 20)}`, `${FILE.slice(20)})`].map((text) => event(answer(words(text))))
  expect(await told(link.join('') + event('[DONE]'), [], type)).toMatchObject(LINKED)
  expect(await told(`\ufeff \n${JSON.stringify(answer(inline(PNG)))}`, [], type)).toMatchObject(EMBEDDED)
})

test.each([
  ['an error', event({ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'busy' } }), 'throttled'],
  [
    'an error in a line without a field',
    '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"busy"}}\n',
    'throttled',
  ],
  ['a refusal', event({ promptFeedback: { blockReason: 'SAFETY' } }), 'rejected'],
  ['words alone', event(answer(words('No. See https://example.com'))), 'lost'],
  ['no end', event({ candidates: [{ content: { parts: [words('Here')] } }] }), 'lost'],
])('a stream with %s is a failure of the right kind', async (_, body, kind) => {
  expect(await told(`: wait\n\n${body}`, [], 'text/event-stream')).toMatchObject([{ kind }])
})
