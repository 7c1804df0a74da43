import { afterEach, expect, test, vi } from 'vitest'
import { azureOpenaiProvider } from '../../src/providers/azure-openai'
import { openaiProvider } from '../../src/providers/openai'
import type { Provider } from '../../src/providers/provider'
import { recraftProvider } from '../../src/providers/recraft'
import { internet } from '../support/internet'
import { OPENAI } from '../support/openai-account'
import { picture } from '../support/pictures'
import { asking, run, type Told } from '../support/provider-run'

afterEach(() => void vi.restoreAllMocks())

const RELAY = 'https://relay.example.com'
const FILES = 'https://files.example.com'
const MADE = [{ type: 'accepted' }, { type: 'image', index: 0, picture: '2000 PNG' }, { type: 'summary' }]

/** The events of an answer with a link, and the GETs after it. */
async function told(link: string, gets: Request[], provider: Provider = openaiProvider): Promise<Told[]> {
  const picturesOf = async (request: Request): Promise<Response> => {
    if (request.method === 'POST') return Response.json({ data: [{ url: link }] })
    gets.push(request)
    if (request.url.includes('/private/') && !keyOf(request)) return new Response(null, { status: 401 })
    if (request.url.endsWith('/moved')) return Response.redirect(`${FILES}/cat.png`)
    if (request.url.endsWith('/expired')) return new Response(null, { status: 403 })
    return new Response(await picture('a file', 2000))
  }
  internet({ 'relay.example.com': { handle: picturesOf }, 'files.example.com': { handle: picturesOf } })
  return await run(asking('A cat'), { upstream: { ...OPENAI, provider, baseUrl: `${RELAY}/v1` } })
}

const keyOf = ({ headers }: Request): string | null => headers.get('authorization') ?? headers.get('api-key')

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
  const events = await told(link, gets, provider)
  expect(gets.map(keyOf)).toEqual(key === null ? [null] : [null, key])
  expect(events.at(-1)).toMatchObject(key === null ? { kind: 'lost' } : { type: 'summary' })
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
