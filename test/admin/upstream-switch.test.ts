import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, post } from '../support/gateway'
import { operate } from '../support/teams'
import { accountsOf, inMs, make, so, turn, watchedUpstreams } from '../support/watched-upstreams'

const { first, twins, hold } = watchedUpstreams()

const READY = { status: 'ready', since: null, until: null, reason: null }
const PROMPTS = ['A cat', 'A dog', 'A hen', 'A cow']

describe('an account that is switched off', () => {
  test('is shown as off since that time, in the answer and in the list', async () => {
    const response = await turn(false, 'twin/accounts/1')
    const out = { account: 1, status: 'out', since: inMs(0), until: null, reason: 'taken out by its operator' }
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await response.json()).toMatchObject({ object: 'account', ...out })
    vi.setSystemTime(Date.now() + 60_000)
    await turn(false, 'twin/accounts/1')
    expect(await accountsOf('twin')).toMatchObject([{ account: 0, status: 'ready' }, out])
  })

  test.each([0, 1])('gets no request, and another account serves, until it is switched on (%d)', async (account) => {
    const [taken, other] = account === 0 ? twins : [twins[1], twins[0]]
    await turn(false, `twin/accounts/${account}`)
    for (const prompt of PROMPTS) expect(await make(prompt, 'twin')).toEqual([200, 'twin'])
    expect([taken.calls.length, other.calls.length]).toEqual([0, 4])
    await turn(true, `twin/accounts/${account}`)
    await turn(false, `twin/accounts/${1 - account}`)
    for (const prompt of PROMPTS) expect(await make(prompt, 'twin')).toEqual([200, 'twin'])
    expect([taken.calls.length, other.calls.length]).toEqual([4, 4])
  })

  test('leads to a 503 without a retry when no other account serves the model', async () => {
    await turn(false, 'sole/accounts/0')
    const response = await post('/v1/images/generations', { model: 'relay-1', prompt: 'A cat' })
    expect([response.headers.get('x-should-retry'), response.headers.get('retry-after')]).toEqual(['false', null])
    expect(await errorOf(response)).toMatchObject({ status: 503, message: expect.stringContaining('No upstream can') })
    expect(first.calls).toEqual([])
    expect(await (await turn(true, 'sole/accounts/0')).json()).toMatchObject(READY)
    expect(await make('A cat')).toEqual([200, 'sole'])
  })

  test('stays off after an eviction of its object, and on after it is switched on', async () => {
    const reached = vi.spyOn(env.ACCOUNTS, 'getByName')
    const evict = async (): Promise<void> => {
      const names = new Set(reached.mock.calls.map(([name]) => name))
      for (const name of names) await evictDurableObject(env.ACCOUNTS.getByName(name))
    }
    await turn(false, 'sole')
    await evict()
    expect(await accountsOf('sole')).toMatchObject([{ status: 'out', since: inMs(0) }])
    expect(await make('A cat')).toEqual([503, null])
    await turn(true, 'sole')
    await evict()
    expect(await accountsOf('sole')).toMatchObject([READY])
    expect(await make('A cat')).toEqual([200, 'sole'])
  })

  test('finishes its requests in flight and gives no slot to waiting ones', async () => {
    const { arrived, release } = hold()
    const inHand = make('A cat', 'narrow')
    await arrived()
    const waiting = make('A dog', 'narrow')
    await so(async () => (await accountsOf('narrow'))[0]?.waiting === 1)
    await turn(false, 'narrow')
    expect(await waiting).toEqual([503, null])
    release()
    expect(await inHand).toEqual([200, 'narrow'])
    expect(await accountsOf('narrow')).toMatchObject([{ status: 'out', in_use: 0 }])
    expect(first.calls).toHaveLength(1)
  })
})

describe('an upstream that is switched off', () => {
  test('has all of its accounts off, and all on when it is switched on', async () => {
    const out = await turn(false, 'twin')
    const accounts = [
      { account: 0, status: 'out' },
      { account: 1, status: 'out' },
    ]
    expect(await out.json()).toMatchObject({ object: 'upstream', name: 'twin', accounts })
    expect(await make('A cat', 'twin')).toEqual([503, null])
    expect(await make('A cat')).toEqual([200, 'sole'])
    expect(await (await turn(true, 'twin')).json()).toMatchObject({ name: 'twin', accounts: [READY, READY] })
    expect(await make('A cat', 'twin')).toEqual([200, 'twin'])
  })
})

test.each([
  ['disabled', ['A cat @fault=401']],
  ['cooling', ['A cat @fault=429']],
  ['open', ['cat', 'dog', 'hen', 'cow', 'fox'].map((animal) => `A ${animal} @fault=500`)],
])('an account that is %s gets a request as soon as it is switched on', async (status, prompts) => {
  for (const prompt of prompts) await make(prompt)
  expect(await accountsOf('sole')).toMatchObject([{ status }])
  expect(await make('A cat')).toEqual([503, null])
  expect(await (await turn(true, 'sole/accounts/0')).json()).toMatchObject(READY)
  expect(await make('A cat')).toEqual([200, 'sole'])
})

describe('a switch is refused for', () => {
  test.each(['/upstreams/sole', '/upstreams/sole/accounts/0'])('a body that PATCH %s does not accept', async (path) => {
    const refusal = async (body: unknown): Promise<unknown> => await errorOf(await operate('PATCH', path, body))
    for (const body of ['{', 'enabled=false', '[]', 'null', 'false'])
      expect(await refusal(body)).toMatchObject({ status: 400, message: expect.stringContaining('one JSON object') })
    for (const enabled of ['false', 0, null, []])
      expect(await refusal({ enabled })).toMatchObject({
        status: 400,
        param: 'enabled',
        message: expect.stringContaining("Invalid type for 'enabled': expected a boolean"),
      })
    expect(await refusal(undefined)).toMatchObject({ message: "Missing required parameter: 'enabled'." })
    expect(await refusal({ enabled: false, priority: 1 })).toMatchObject({
      status: 400,
      message: "Unknown parameter: 'priority'.",
    })
    expect(await accountsOf('sole')).toMatchObject([READY])
  })

  test.each(['nobody', 'nobody/accounts/0', 'Sole', 'openai'])('%s, an unknown upstream', async (path) => {
    const message = 'There is no such upstream. List them with GET /admin/api/upstreams.'
    expect(await errorOf(await turn(false, path))).toMatchObject({ status: 404, message })
  })

  test.each(['2', '-1', '00', '0.0', 'first'])('account %s of an upstream with two accounts', async (account) => {
    const refusal = await errorOf(await turn(false, `twin/accounts/${account}`))
    expect(refusal).toMatchObject({ status: 404, message: expect.stringContaining('no such account') })
  })

  test.each(['demo', 'demo/accounts/0'])('%s, which only its setting switches', async (path) => {
    const refusal = await errorOf(await turn(false, path))
    expect(refusal).toMatchObject({ status: 409, message: expect.stringContaining('Set DEMO_UPSTREAM to false') })
    expect(await accountsOf('demo')).toMatchObject([READY])
    expect(await make('A cat', 'gpt-image-2')).toEqual([200, 'demo'])
  })

  test('an unreachable account, with a retry', async () => {
    vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation(() => {
      throw new Error('Network connection lost.')
    })
    const response = await turn(false, 'sole')
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await errorOf(response)).toMatchObject({ status: 503, message: expect.stringContaining('Try again') })
  })
})
