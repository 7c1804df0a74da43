import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { operate } from '../support/teams'
import { accountsOf, inMs, make, so, watchedUpstreams } from '../support/watched-upstreams'

const { first, hold, take } = watchedUpstreams()

const ACCOUNT = {
  object: 'account',
  account: 0,
  status: 'ready',
  until: null,
  since: null,
  reason: null,
  in_use: 0,
  waiting: 0,
  requests_last_minute: 0,
  latency: [],
  advice: null,
  teams: null,
  without_models: [],
  limited_models: [],
}

/** The one account of `sole`. */
const sole = async (): Promise<unknown> => (await accountsOf('sole'))[0]

describe('the list of upstreams', () => {
  test('has each upstream in the order of the settings, with its accounts, and the demo last', async () => {
    const { data } = await (await operate('GET', '/upstreams')).json<{ data: unknown[] }>()
    const openai = { object: 'upstream', provider: 'openai' }
    const unlimited = { max_concurrency: null, requests_per_minute: null }
    const twins = [ACCOUNT, { ...ACCOUNT, account: 1 }]
    const twin = { name: 'twin', priority: 2, weight: 3, models: ['twin=relay-2', 'flux-*'], accounts: twins }
    const usual = { priority: 0, weight: 1, accounts: [ACCOUNT] }
    const narrow = { models: ['narrow=relay-1'], max_concurrency: 1, requests_per_minute: 60 }
    expect(data).toEqual([
      { ...openai, ...usual, ...unlimited, name: 'sole', models: ['relay-1'] },
      { ...openai, ...twin, ...unlimited },
      { ...openai, ...usual, ...narrow, name: 'narrow' },
      {
        object: 'upstream',
        ...usual,
        ...unlimited,
        name: 'demo',
        provider: 'demo',
        models: expect.arrayContaining(['gpt-image-2']),
      },
    ])
  })

  test('has no credential and no address', async () => {
    await make('A cat @fault=401')
    await make('A cat', 'twin')
    const text = await (await operate('GET', '/upstreams')).text()
    expect(text).toContain('"disabled"')
    expect(text).not.toMatch(/secret|_KEY|example\.com/)
  })

  test('shows the demo as ready after its first image', async () => {
    expect(await make('A cat', 'gpt-image-2')).toEqual([200, 'demo'])
    expect(await accountsOf('demo')).toEqual([ACCOUNT])
  })
})

describe('the status of an account is', () => {
  test('ready after an answer, with its latency', async () => {
    for (const ms of [1000, 3000, 2000]) {
      take(ms)
      expect(await make('A cat')).toEqual([200, 'sole'])
    }
    const latency = [{ model: 'relay-1', count: 3, p50_ms: 2000, p95_ms: 3000 }]
    expect(await sole()).toEqual({ ...ACCOUNT, requests_last_minute: 3, latency })
    vi.setSystemTime(Date.now() + 61_000)
    expect(await sole()).toEqual({ ...ACCOUNT, latency })
  })

  test('ready after a refusal of the prompt', async () => {
    expect(await make('A cat @fault=moderation')).toEqual([400, null])
    expect(await sole()).toMatchObject({ status: 'ready', reason: null })
  })

  test('probing during its first request', async () => {
    const { arrived, release } = hold()
    const probing = { status: 'probing', until: inMs(2000), reason: 'is new' }
    const made = make('A cat')
    await arrived()
    expect(await sole()).toEqual({ ...ACCOUNT, ...probing, in_use: 1, requests_last_minute: 1 })
    release()
    expect(await made).toEqual([200, 'sole'])
    expect(await sole()).toMatchObject({ status: 'ready', until: null, reason: null, in_use: 0 })
  })

  test('shown with its count of waiting requests', async () => {
    const { arrived, release } = hold()
    const made = [make('A cat', 'narrow'), make('A dog', 'narrow'), make('A hen', 'narrow')]
    await arrived()
    await so(async () => (await accountsOf('narrow'))[0]?.waiting === 2)
    expect((await accountsOf('narrow'))[0]).toMatchObject({ in_use: 1, requests_last_minute: 1 })
    release()
    expect(await Promise.all(made)).toEqual(made.map(() => [200, 'narrow']))
    expect((await accountsOf('narrow'))[0]).toMatchObject({ in_use: 0, waiting: 0, requests_last_minute: 3 })
  })

  test('cooling after a 429, for as long as the upstream asks', async () => {
    const since = inMs(0)
    await make('A cat @fault=429')
    expect(await sole()).toMatchObject({ status: 'cooling', since, until: inMs(1500), reason: 'throttled 1 time' })
    vi.setSystemTime(Date.now() + 1500)
    expect(await sole()).toMatchObject({ status: 'ready', since: null, until: null })
    await make('A cat @fault=429')
    const again = { status: 'cooling', since, until: inMs(1500), reason: 'throttled 2 times in a row' }
    expect(await sole()).toMatchObject(again)
  })

  test('open after five failures in a row, then probing, and open for longer after a failed probe', async () => {
    const since = inMs(0)
    for (const animal of ['cat', 'dog', 'hen', 'cow', 'fox']) await make(`A ${animal} @fault=500`)
    // The sole account is asked twice; a repetition counts once.
    expect(first.calls).toHaveLength(9)
    expect(await sole()).toMatchObject({
      status: 'open',
      since,
      until: inMs(30_000),
      reason: 'failed 5 times in a row',
    })
    vi.setSystemTime(Date.now() + 30_000)
    expect(await sole()).toMatchObject({ status: 'probing', since, until: null, reason: 'failed 5 times in a row' })
    await make('A cat @fault=500')
    expect(await sole()).toMatchObject({
      status: 'open',
      since,
      until: inMs(60_000),
      reason: 'failed 6 times in a row',
    })
    vi.setSystemTime(Date.now() + 60_000)
    expect(await make('A cat')).toEqual([200, 'sole'])
    expect(await sole()).toMatchObject({ status: 'ready', since: null, until: null, reason: null })
  })

  test.each([
    ['401', 'answered with status 401'],
    ['quota', 'answered with status 429'],
    ['billing', 'answered with status 400'],
  ])('disabled after a failure of its key or its money (%s), and tried again by itself', async (fault, reason) => {
    expect(await make(`A cat @fault=${fault}`)).toEqual([503, null])
    const disabled = { status: 'disabled', since: inMs(0), until: inMs(300_000), reason }
    expect(await sole()).toMatchObject(disabled)
    vi.setSystemTime(Date.now() + 299_000)
    expect(await make('A cat')).toEqual([503, null])
    vi.setSystemTime(Date.now() + 1000)
    expect(await make(`A dog @fault=${fault}`)).toEqual([503, null])
    expect(await sole()).toMatchObject({ ...disabled, since: inMs(-300_000), until: inMs(600_000) })
    vi.setSystemTime(Date.now() + 600_000)
    expect(await make('A cat')).toEqual([200, 'sole'])
    expect(await sole()).toMatchObject({ status: 'ready' })
  })

  test('ready when one model is unavailable, with that model listed until the block ends', async () => {
    await make('A cat @fault=403')
    const without_models = [{ model: 'relay-1', until: inMs(300_000) }]
    expect(await sole()).toMatchObject({ status: 'ready', without_models })
    vi.setSystemTime(Date.now() + 300_000)
    expect(await sole()).toMatchObject({ status: 'ready', without_models: [] })
  })

  test('unknown while its object is unreachable; other accounts keep their status', async () => {
    await make('A cat')
    const real = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((name) => {
      if (name.startsWith('sole/')) throw new Error('Network connection lost.')
      return real(name)
    })
    expect(await sole()).toEqual({
      ...ACCOUNT,
      status: 'unknown',
      reason: 'its object could not be reached',
      in_use: null,
      waiting: null,
      requests_last_minute: null,
    })
    expect(await accountsOf('twin')).toMatchObject([{ status: 'ready' }, { status: 'ready' }])
  })
})
