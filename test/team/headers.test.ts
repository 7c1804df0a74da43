import { describe, expect, test, vi } from 'vitest'
import { ask, CAT, issue, operate, team } from '../support/teams'
import { knock, post } from '../support/gateway'
import { upstreams } from '../support/upstreams'

upstreams()

const MIDNIGHT = Date.UTC(2027, 0, 31)
const SECOND = 1000

/** The headers of an answer about limits. */
const limitsIn = (response: Response): Record<string, string> =>
  Object.fromEntries([...response.headers].filter(([name]) => name.includes('ratelimit')))

describe('the headers about limits', () => {
  test('agree for the SDKs and for the IETF', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: MIDNIGHT - 12 * SECOND })
    const { key } = await team('acme', { requests_per_minute: 60, requests_per_day: 1000, images_per_day: 10 })
    expect(limitsIn(await ask(key, { n: 3 }))).toEqual({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '5s',
      'x-ratelimit-limit-images': '10',
      'x-ratelimit-remaining-images': '7',
      'x-ratelimit-reset-images': '12s',
      'ratelimit-policy': '"minute";q=60;w=60, "day";q=1000;w=86400, "images";q=10;w=86400;qu="images"',
      ratelimit: '"minute";r=59;t=5, "day";r=999;t=12, "images";r=7;t=12',
    })
  })

  test.each([
    [12 * SECOND, '12s', 12],
    [360 * SECOND, '6m0s', 360],
    [467, '467ms', 1],
    [1, '1ms', 1],
    [999, '999ms', 1],
    [1001, '2s', 2],
    [59_001, '1m0s', 60],
    [61 * SECOND, '1m1s', 61],
    [3600 * SECOND, '1h0m0s', 3600],
    [86_399 * SECOND, '23h59m59s', 86_399],
    [86_400 * SECOND, '24h0m0s', 86_400],
  ])('count %i ms to a new day as %s', async (ms, worded, seconds) => {
    vi.useFakeTimers({ toFake: ['Date'], now: MIDNIGHT - ms })
    const { key } = await team('acme', { requests_per_day: 5 })
    expect(limitsIn(await ask(key))).toEqual({
      'x-ratelimit-limit-requests': '5',
      'x-ratelimit-remaining-requests': '4',
      'x-ratelimit-reset-requests': worded,
      'ratelimit-policy': '"day";q=5;w=86400',
      ratelimit: `"day";r=4;t=${seconds}`,
    })
  })

  test.each([
    ['the minute', { requests_per_minute: 3, requests_per_day: 50 }, ['3', '2', '1m0s']],
    ['the day', { requests_per_minute: 50, requests_per_day: 3 }, ['3', '2', '2m0s']],
  ])('name the limit with the least left for the SDKs: %s', async (_, limits, worded) => {
    vi.useFakeTimers({ toFake: ['Date'], now: MIDNIGHT - 120 * SECOND })
    const { headers } = await ask((await team('acme', limits)).key)
    const told = ['limit', 'remaining', 'reset'].map((what) => headers.get(`x-ratelimit-${what}-requests`))
    expect(told).toEqual(worded)
  })

  test.each([
    ['key', { requests_per_day: 9 }, { requests_per_day: 4 }],
    ['team', { requests_per_day: 4 }, { requests_per_day: 9 }],
  ])('name the stricter limit: the %s', async (_, ofTeam, ofKey) => {
    await team('acme', ofTeam)
    const { key } = await issue('acme', { limits: ofKey })
    expect(limitsIn(await ask(key))).toMatchObject({ 'ratelimit-policy': '"day";q=4;w=86400' })
  })

  test('count down to zero and start over', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: MIDNIGHT - 20 * SECOND })
    const { key } = await team('acme', { requests_per_day: 2 })
    const left: (string | null)[] = []
    for (let sent = 0; sent < 3; sent++) left.push((await ask(key)).headers.get('x-ratelimit-remaining-requests'))
    vi.setSystemTime(MIDNIGHT)
    left.push((await ask(key)).headers.get('x-ratelimit-remaining-requests'))
    expect(left).toEqual(['1', '0', '0', '1'])
  })

  test('are missing without limits', async () => {
    expect(limitsIn(await ask((await team('acme')).key))).toEqual({})
  })
})

describe('every answer about images has the headers of limits', () => {
  const limits = { requests_per_minute: 6, images_per_day: 4, models: ['gpt-image-2'] }
  const cases: [number, string, Record<string, unknown>][] = [
    [200, 'a new image', {}],
    [200, 'an image of the cache', { prompt: 'An old cat' }],
    [400, 'a bad parameter', { n: 'two' }],
    [400, 'an unknown parameter', { colour: 'red' }],
    [400, 'a prompt that the upstream refuses', { prompt: '@fault=moderation' }],
    [403, 'a model that is not for it', { model: 'gpt-image-2.5-flare' }],
    [429, 'too many images', { n: 5 }],
    [502, 'an upstream that failed', { prompt: '@fault=500' }],
  ]

  test.each(cases)('%i for %s', async (status, _, body) => {
    const { key } = await team('acme', limits)
    await ask(key, { prompt: 'An old cat' })
    const response = await ask(key, body)
    expect(response.status).toBe(status)
    expect(limitsIn(response)).toMatchObject({
      'x-ratelimit-limit-requests': '6',
      'x-ratelimit-remaining-requests': '4',
      'x-ratelimit-remaining-images': body['prompt'] === undefined && status === 200 ? '2' : '3',
      ratelimit: expect.stringMatching(/^"minute";r=4;t=\d+, "images";r=[23];t=\d+$/),
    })
  })

  test('429 for too many requests', async () => {
    const { key } = await team('acme', { requests_per_minute: 1 })
    await ask(key)
    const response = await ask(key)
    expect([response.status, response.headers.get('x-ratelimit-remaining-requests')]).toEqual([429, '0'])
  })

  test.each(['/v1/images/edits', '/v1/images/variations'])('on %s as well', async (path) => {
    const { key } = await team('acme', { requests_per_day: 6 })
    const response = await post(path, { model: 'gpt-image-2' }, { authorization: `Bearer ${key}` })
    expect([response.status, response.headers.get('x-ratelimit-remaining-requests')]).toEqual([400, '5'])
  })

  test('but a 401 has none', async () => {
    const { key, id } = await team('acme', limits)
    await operate('DELETE', `/teams/acme/keys/${id}`)
    const forged = await ask(key.replace('-acme-', '-other-'))
    const bare = await knock('/v1/images/generations', { method: 'POST', body: JSON.stringify(CAT) })
    for (const response of [await ask(key), forged, bare]) {
      expect([response.status, limitsIn(response)]).toEqual([401, {}])
    }
  })
})

test('an answer has its price for its maker, and zero for others', async () => {
  const { key } = await team('acme')
  const [made, found] = [await ask(key), await ask(key)]
  expect(made.headers.get('x-cost-usd')).toMatch(/^0\.00[56]\d{3}$/)
  expect([found.headers.get('x-cache'), found.headers.get('x-cost-usd')]).toEqual(['HIT', '0.000000'])
})
