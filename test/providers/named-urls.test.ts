import { afterEach, describe, expect, test, vi } from 'vitest'
import { blackForestLabsProvider } from '../../src/providers/black-forest-labs'
import { falProvider } from '../../src/providers/fal'
import type { Provider } from '../../src/providers/provider'
import { replicateProvider } from '../../src/providers/replicate'
import { internet } from '../support/internet'
import { OPENAI } from '../support/openai-account'
import { asking, run, type Told } from '../support/provider-run'

afterEach(() => void vi.restoreAllMocks())

/** The answer to each submission, for APIs that name the URL of a job. */
const JOBS: [string, Provider, string, (url: string) => object][] = [
  ['black-forest-labs', blackForestLabsProvider, 'flux-2-pro', (url) => ({ id: 'job-1', polling_url: url })],
  ['fal', falProvider, 'fal-ai/flux/dev', (url) => ({ request_id: 'job-1', status_url: url, response_url: url })],
  ['replicate', replicateProvider, 'black-forest-labs/flux-dev', (url) => ({ id: 'job-1', urls: { get: url } })],
]

/** The events of an upstream at `baseUrl` with such a URL in its answer; records all requests. */
async function told(
  { provider, model, baseUrl }: { provider: Provider; model: string; baseUrl: string },
  answer: object,
  asked: Request[],
): Promise<Told[]> {
  const handle = (request: Request): Response => {
    asked.push(request)
    if (asked.length === 1) return Response.json(answer)
    return Response.json({ detail: 'gone' }, { status: 410 })
  }
  const hosts = [new URL(baseUrl).hostname, 'api.eu1.bfl.ai', 'evil.example.org', '169.254.169.254', 'localhost']
  internet(Object.fromEntries(hosts.map((host) => [host, { handle }])))
  return await run(asking('A cat', { model, partials: 0 }), { upstream: { ...OPENAI, provider, baseUrl } })
}

/** Whether a request has the credential anywhere. */
const hasCredential = ({ url, headers }: Request): boolean =>
  JSON.stringify([url, ...headers]).includes(OPENAI.credential)

const FOREIGN = 'https://evil.example.org/job?id=1'
const PRIVATE = [
  'https://169.254.169.254/latest?id=1',
  'http://evil.example.org/job?id=1',
  'https://localhost/?id=1',
  'https://u:p@evil.example.org/?id=1',
]
const ELSEWHERE = [FOREIGN, ...PRIVATE]

describe.each(JOBS)('%s', (_, provider, model, answerWith) => {
  const baseUrl = 'https://jobs.example.com'

  test('polls a job at its own host with its credential', async () => {
    const asked: Request[] = []
    await told({ provider, model, baseUrl }, answerWith(`${baseUrl}/job?id=1`), asked)
    expect(asked.map(hasCredential)).toEqual([true, true])
  })

  test.each(ELSEWHERE)('sends no credential to %s, a host in an answer', async (url) => {
    const asked: Request[] = []
    await told({ provider, model, baseUrl }, answerWith(url), asked)
    expect(asked.filter((each) => hasCredential(each) !== (new URL(each.url).origin === baseUrl))).toEqual([])
  })

  test.each(PRIVATE)('sends nothing to %s, a host in an answer', async (url) => {
    const asked: Request[] = []
    const events = await told({ provider, model, baseUrl }, answerWith(url), asked)
    expect(asked.filter((each) => new URL(each.url).origin !== baseUrl)).toEqual([])
    expect(events.at(-1)).toMatchObject({ kind: 'lost' })
  })
})

describe.each([
  ['fal', falProvider, 'fal-ai/flux/dev', (url: string) => ({ status_url: url, response_url: url })],
  ['replicate', replicateProvider, 'black-forest-labs/flux-dev', (url: string) => ({ urls: { get: url } })],
] as const)('%s', (_, provider, model, answerWith) => {
  const baseUrl = 'https://jobs.example.com'

  test.each(['../../v4/user', 'job?key=1', '', undefined])(
    'polls the URL of the answer for a job with the id %j',
    async (id) => {
      const asked: Request[] = []
      await told({ provider, model, baseUrl }, { id, request_id: id, ...answerWith(FOREIGN) }, asked)
      expect(asked.map(({ url }) => url).slice(1)).toEqual([FOREIGN])
      expect(asked.map(hasCredential)).toEqual([true, false])
    },
  )
})

describe('Black Forest Labs', () => {
  const at = { provider: blackForestLabsProvider, model: 'flux-2-pro', baseUrl: 'https://api.bfl.ai' }

  test('is polled with its credential at the host of its region', async () => {
    const asked: Request[] = []
    await told(at, { id: 'job-1', polling_url: 'https://api.eu1.bfl.ai/v1/get_result?id=job-1' }, asked)
    expect(asked.map(hasCredential)).toEqual([true, true])
  })

  test('gets the id of a job that its URL lacks', async () => {
    const asked: Request[] = []
    await told(at, { id: 'job-1', polling_url: 'https://api.eu1.bfl.ai/v1/get_result' }, asked)
    expect(asked[1]?.url).toBe('https://api.eu1.bfl.ai/v1/get_result?id=job-1')
  })
})
