import { afterEach, expect, test, vi } from 'vitest'
import { azureOpenaiProvider } from '../../src/providers/azure-openai'
import { geminiProvider } from '../../src/providers/gemini'
import { openaiChatProvider } from '../../src/providers/openai-chat'
import { openaiProvider } from '../../src/providers/openai'
import type { Provider } from '../../src/providers/provider'
import { recraftProvider } from '../../src/providers/recraft'
import { internet } from '../support/internet'
import { OPENAI } from '../support/openai-account'
import { picture } from '../support/pictures'
import { asking, run, type Told } from '../support/provider-run'

afterEach(() => void vi.restoreAllMocks())

const RELAY = 'https://relay.example.com'
/** A host that only the settings may name. */
const INSIDE = 'http://relay.internal'
const FILES = 'https://files.example.com'
const MADE = [{ type: 'accepted' }, { type: 'image', index: 0, picture: '2000 PNG' }, { type: 'summary' }]

interface Relay {
  provider?: Provider
  origin?: string
  answer?: (link: string) => object
}

/** The events of an answer with a link, and the GETs after it. */
async function told(
  link: string,
  gets: Request[],
  { provider = openaiProvider, origin = RELAY, answer = (url) => ({ data: [{ url }] }) }: Relay = {},
): Promise<Told[]> {
  const picturesOf = async (request: Request): Promise<Response> => {
    if (request.method === 'POST') return Response.json(answer(link))
    gets.push(request)
    if (request.url.includes('/private/') && !keyOf(request)) return new Response(null, { status: 401 })
    if (request.url.endsWith('/moved')) return Response.redirect(`${FILES}/cat.png`)
    if (request.url.endsWith('/expired')) return new Response(null, { status: 403 })
    return new Response(await picture('a file', 2000))
  }
  const hosts = ['relay.example.com', 'relay.internal', 'files.example.com']
  internet(Object.fromEntries(hosts.map((host) => [host, { handle: picturesOf }])))
  return await run(asking('A cat'), { upstream: { ...OPENAI, provider, baseUrl: `${origin}/v1` } })
}

const keyOf = ({ headers }: Request): string | null =>
  headers.get('authorization') ?? headers.get('api-key') ?? headers.get('x-goog-api-key')

const KEY = `Bearer ${OPENAI.credential}`

test.each<[string, string, string]>([
  ['below its origin', '/images/users-1/cat.jpg', `${RELAY}/images/users-1/cat.jpg`],
  ['below its base URL', 'images/cat.png', `${RELAY}/v1/images/cat.png`],
  ['beside its base URL', '../cat.png', `${RELAY}/cat.png`],
  ['without a scheme', '//files.example.com/cat.png', `${FILES}/cat.png`],
  ['at its own origin', `${RELAY}/v1/files/cat`, `${RELAY}/v1/files/cat`],
  ['elsewhere', `${FILES}/cat.png`, `${FILES}/cat.png`],
])('a link %s is read without the key', async (_, link, address) => {
  const gets: Request[] = []
  expect(await told(link, gets)).toMatchObject(MADE)
  expect(gets.map((get) => [get.url, keyOf(get)])).toEqual([[address, null]])
})

test.each<[string, Provider, string, string | null]>([
  ['a path', openaiProvider, '/private/cat.jpg', KEY],
  ['its own origin', recraftProvider, `${RELAY}/private/cat`, KEY],
  ['its own origin', azureOpenaiProvider, `${RELAY}/private/cat`, OPENAI.credential],
  ['its host without TLS', openaiProvider, 'http://relay.example.com/private/cat', null],
  ['its host on another port', openaiProvider, `${RELAY}:8443/private/cat`, null],
  ['another host', openaiProvider, `${FILES}/private/cat`, null],
])('a link to %s that wants the key gets it at its own origin alone (%#)', async (_, provider, link, key) => {
  const gets: Request[] = []
  const events = await told(link, gets, { provider })
  expect(gets.map(keyOf)).toEqual(key === null ? [null] : [null, key])
  expect(events.at(-1)).toMatchObject(key === null ? { kind: 'lost' } : { type: 'summary' })
})

/** Answers of chats with a picture in their words. */
const CHATS: [string, Relay][] = [
  [
    'a chat',
    {
      provider: openaiChatProvider,
      answer: (link) => ({ choices: [{ message: { content: `![cat](${link})` }, finish_reason: 'stop' }] }),
    },
  ],
  [
    'a Gemini answer',
    {
      provider: geminiProvider,
      answer: (link) => ({ candidates: [{ content: { parts: [{ text: `![cat](${link})` }] }, finishReason: 'STOP' }] }),
    },
  ],
]

test.each(CHATS)('a link in the words of %s never gets the key, and no private host', async (_, relay) => {
  const gets: Request[] = []
  expect(await told('/cat.png', gets, relay)).toContainEqual(MADE[1])
  for (const link of ['/private/cat.png', `${RELAY}/private/cat.png`])
    expect((await told(link, gets, relay)).at(-1)).toMatchObject({ kind: 'lost' })
  expect((await told(`${INSIDE}/cat.png`, gets, { ...relay, origin: INSIDE })).at(-1)).toMatchObject({ kind: 'lost' })
  expect(gets.map((get) => [get.url, keyOf(get)])).toEqual([
    [`${RELAY}/cat.png`, null],
    [`${RELAY}/private/cat.png`, null],
    [`${RELAY}/private/cat.png`, null],
  ])
})

test('a link in a picture field may lead to the private host of the settings', async () => {
  const gets: Request[] = []
  expect(await told('/private/cat.png', gets, { origin: INSIDE })).toMatchObject(MADE)
  expect(gets.map(keyOf)).toEqual([null, KEY])
})

test('a redirect to another origin does not take the key along', async () => {
  const gets: Request[] = []
  expect(await told('/private/moved', gets)).toMatchObject(MADE)
  expect(gets.map(keyOf)).toEqual([null, KEY, null])
})

test('an expired link is lost, and its account does not make it again', async () => {
  expect((await told('/v1/expired', [])).at(-1)).toMatchObject({ kind: 'lost', facts: { isUnusable: true } })
})

test.each(['http://127.0.0.1:3000/cat.png', 'http://relay.internal/cat.png', 'https://u:p@files.example.com/cat.png'])(
  'a link to %s is the fault of the upstream and not asked',
  async (link) => {
    const gets: Request[] = []
    const facts = { isOfUpstream: true, failure: { code: 'upstream_failed', retry: false } }
    expect((await told(link, gets)).at(-1)).toMatchObject({ kind: 'lost', facts })
    expect(gets).toEqual([])
  },
)
