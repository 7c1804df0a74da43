import { env } from 'cloudflare:workers'
import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import { openai } from './support/gateway'
import { NO_STORE } from './support/idempotency'
import { settings } from './support/settings'
import { ask, issue, operate, team } from './support/teams'
import { upstreams } from './support/upstreams'

settings({ MODEL_ALIASES: { studio: { model: 'gpt-image-2', fresh: true }, shared: { model: 'gpt-image-2' } } })
const { upstream } = upstreams()

/** A key of a team; each of them may have the setting. */
async function keyOf(ofTeam?: boolean, ofKey?: boolean | null): Promise<string> {
  await team('acme')
  if (ofTeam !== undefined) await operate('PATCH', '/teams/acme', { fresh: ofTeam })
  return (await issue('acme', ofKey === undefined ? {} : { fresh: ofKey })).key
}

const RETRY = (count: number): Record<string, string> => ({ 'x-stainless-retry-count': String(count) })
const cacheOf = (response: Response): string | null => response.headers.get('x-cache')

/** Requests a picture with OpenAI's client, and hangs up when an upstream is asked for the nth time. */
async function lost(key: string, nth: number, prompt: string, headers = {}): Promise<void> {
  const hangUp = new AbortController()
  const request = openai({ apiKey: key }).images.generate(
    { model: 'gpt-image-2', prompt, quality: 'low', size: '1024x1024', response_format: 'url' },
    { signal: hangUp.signal, headers },
  )
  const gone = request.catch(() => {})
  await vi.waitUntil(() => upstream.calls.length === nth)
  hangUp.abort()
  await gone
}

/** Waits until the team knows so many requests in a state. */
const known = (state: string, count: number): Promise<unknown> =>
  vi.waitUntil(() =>
    runInDurableObject(env.TEAMS.getByName('acme'), (_, { storage }) => {
      const rows = storage.sql.exec('SELECT generation FROM fresh WHERE state = ?', state).toArray()
      return rows.length === count
    }),
  )

test.each<[string, boolean | undefined, boolean | null | undefined, string, Record<string, string>, string[]]>([
  ['of a fresh key', undefined, true, 'gpt-image-2', {}, ['BYPASS', 'BYPASS']],
  ['of a fresh team', true, null, 'gpt-image-2', {}, ['BYPASS', 'BYPASS']],
  ['of a fresh alias', undefined, undefined, 'studio', {}, ['BYPASS', 'BYPASS']],
  ['of a fresh alias with a vendor', undefined, undefined, 'openai/Studio', {}, ['BYPASS', 'BYPASS']],
  [
    'of a fresh key with no-cache',
    undefined,
    true,
    'gpt-image-2',
    { 'cache-control': 'no-cache' },
    ['BYPASS', 'BYPASS'],
  ],
  ['of a fresh key with an age', undefined, true, 'gpt-image-2', { 'cache-control': 'max-age=60' }, ['MISS', 'HIT']],
  ['of a sharing key in a fresh team', true, false, 'gpt-image-2', {}, ['MISS', 'HIT']],
  ['of an alias that shares', undefined, undefined, 'shared', {}, ['MISS', 'HIT']],
])('a second equal request %s', async (_, ofTeam, ofKey, model, headers, expected) => {
  const key = await keyOf(ofTeam, ofKey)
  const first = cacheOf(await ask(key, { model }, headers))
  expect([first, cacheOf(await ask(key, { model }, headers))]).toEqual(expected)
})

test('four equal requests of a fresh key at once are four pictures', async () => {
  const key = await keyOf(undefined, true)
  const answers = await Promise.all(Array.from({ length: 4 }, () => ask(key, { prompt: 'A cat @delay=100' })))
  expect(answers.map(cacheOf)).toEqual(['BYPASS', 'BYPASS', 'BYPASS', 'BYPASS'])
  expect(upstream.calls).toHaveLength(4)
})

describe('a fresh request is not bought again', () => {
  test.each<[string, boolean, Record<string, string>]>([
    ['by a fresh key', true, {}],
    ['by no-store', false, NO_STORE],
  ])('after its client hung up, %s', async (_, isFresh, headers) => {
    const key = await keyOf(undefined, isFresh)
    const prompt = 'A cat @delay=200'
    await lost(key, 1, prompt, headers)
    await known('left', 1)
    const again = await ask(key, { prompt }, headers)
    expect([again.status, again.headers.get('x-cost-usd')]).toEqual([200, '0.000000'])
    expect(cacheOf(await ask(key, { prompt }, headers))).toBe('BYPASS')
    expect(upstream.calls).toHaveLength(2)
  })

  test('by a retry that says so, before the loss of the first is seen', async () => {
    const key = await keyOf(undefined, true)
    const prompt = 'A cat @delay=300'
    const first = ask(key, { prompt }, RETRY(0))
    await vi.waitUntil(() => upstream.calls.length === 1)
    expect([cacheOf(await ask(key, { prompt }, RETRY(1))), cacheOf(await first)]).toEqual(['JOINED', 'BYPASS'])
    expect(upstream.calls).toHaveLength(1)
  })

  test('by the retries of two, which get one each', async () => {
    const key = await keyOf(undefined, true)
    const prompt = 'A cat @delay=400'
    const asked = [ask(key, { prompt }), ask(key, { prompt })]
    await vi.waitUntil(() => upstream.calls.length === 2)
    const retries = [ask(key, { prompt }, RETRY(1)), ask(key, { prompt }, RETRY(1))]
    const ids = (await Promise.all(retries)).map((each) => each.headers.get('x-generation-id'))
    const first = (await Promise.all(asked)).map((each) => each.headers.get('x-generation-id'))
    expect(new Set(ids)).toEqual(new Set(first))
    expect(upstream.calls).toHaveLength(2)
  })
})

test('a retry of a failed fresh request takes its place, and not that of another one', async () => {
  const key = await keyOf(undefined, true)
  const prompt = 'A cat @fault=500'
  const failed = await ask(key, { prompt })
  await known('failed', 1)
  const again = await ask(key, { prompt }, RETRY(1))
  expect([failed.status, again.status]).toEqual([502, 502])
  expect(again.headers.get('x-generation-id')).toBe(failed.headers.get('x-generation-id'))
})

test('another key of the team does not take up a lost request', async () => {
  const key = await keyOf(true)
  await lost(key, 1, 'A cat @delay=200')
  await known('left', 1)
  const other = await issue('acme')
  expect(cacheOf(await ask(other.key, { prompt: 'A cat @delay=200' }))).toBe('BYPASS')
})

test('a key stored by an earlier version has no setting, and takes one', async () => {
  const { id } = await team('acme')
  await runInDurableObject(env.TEAMS.getByName('acme'), (_, { storage }) => {
    storage.sql.exec('ALTER TABLE keys DROP COLUMN fresh')
  })
  await abortAllDurableObjects()
  const { data } = await (await operate('GET', '/teams/acme/keys')).json<{ data: unknown[] }>()
  expect(data).toMatchObject([{ id, fresh: null }])
  const changed = await operate('PATCH', `/teams/acme/keys/${id}`, { fresh: true })
  expect(await changed.json()).toMatchObject({ fresh: true })
})
