import { describe, expect, test } from 'vitest'
import { errorOf, KEY, knock } from '../support/gateway'
import { ask, issue, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

interface TeamJson {
  id: string
  limits: Record<string, unknown>
  effective_limits: Record<string, unknown>
}

const teamAfter = async (response: Promise<Response>): Promise<TeamJson> => await (await response).json<TeamJson>()

describe('a request without the ADMIN_TOKEN', () => {
  const routes: [string, string][] = [
    ['POST', '/teams'],
    ['GET', '/teams'],
    ['GET', '/teams/acme'],
    ['PATCH', '/teams/acme'],
    ['DELETE', '/teams/acme'],
    ['POST', '/teams/acme/keys'],
    ['GET', '/teams/acme/keys'],
    ['PATCH', '/teams/acme/keys/key_1'],
    ['DELETE', '/teams/acme/keys/key_1'],
    ['GET', '/teams/acme/webhook'],
    ['PUT', '/teams/acme/webhook'],
    ['DELETE', '/teams/acme/webhook'],
    ['POST', '/teams/acme/webhook/secret'],
    ['GET', '/teams/acme/webhook/deliveries'],
    ['POST', '/teams/acme/webhook/deliveries/evt_1/redeliver'],
    ['GET', '/upstreams'],
    ['PATCH', '/upstreams/openai'],
    ['PATCH', '/upstreams/openai/accounts/0'],
    ['GET', '/usage'],
    ['GET', '/audit'],
    ['GET', '/no-such-route'],
  ]

  test.each(routes)('gets the same refusal from %s %s, whatever token it sends', async (method, path) => {
    await team('acme')
    const tokens = ['', 'wrong', 'admin-token-of-the-test', 'admin-token-of-the-tests2', KEY]
    const answers = await Promise.all(
      tokens.map(async (token) => errorOf(await operate(method, path, undefined, token))),
    )
    const bare = await errorOf(await knock(`/admin/api${path}`, { method }))
    const message = 'This needs the ADMIN_TOKEN of the gateway in an Authorization header: Bearer TOKEN.'
    const refusal = { status: 401, message, type: 'invalid_request_error', param: null, code: null }
    expect([...answers, bare]).toEqual(Array.from({ length: tokens.length + 1 }, () => refusal))
  })

  test('changes nothing', async () => {
    await operate('POST', '/teams', { id: 'acme' }, 'wrong')
    expect((await operate('GET', '/teams/acme')).status).toBe(404)
  })
})

test('the ADMIN_TOKEN makes no images', async () => {
  expect(await errorOf(await ask('admin-token-of-the-tests'))).toMatchObject({ status: 401, code: 'invalid_api_key' })
})

describe('a new team', () => {
  test('has the given fields and the defaults that follow from them', async () => {
    const asked = { id: 'acme', name: 'Acme Inc.', plan: 'free', limits: { requests_per_minute: 5, images_per_day: 7 } }
    const response = await operate('POST', '/teams', asked)
    expect([response.status, response.headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
    expect(await response.json()).toEqual({
      object: 'team',
      ...asked,
      fresh: false,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      effective_limits: { requests_per_minute: 5, requests_per_day: 150, concurrency: 5, images_per_day: 7 },
    })
  })

  test('without fields has its id as its name and no limits', async () => {
    const made = await operate('POST', '/teams', { id: 'acme' })
    expect(await made.json()).toMatchObject({ name: 'acme', plan: 'unlimited', limits: {}, effective_limits: {} })
  })

  test.each([
    ['free', { requests_per_minute: 20, requests_per_day: 150, concurrency: 5 }],
    ['tier1', { requests_per_minute: 60, concurrency: 5 }],
    ['tier2', { requests_per_minute: 100, concurrency: 5 }],
    ['unlimited', {}],
  ])('on plan %s may use %j', async (plan, allowed) => {
    expect(await teamAfter(operate('POST', '/teams', { id: 'acme', plan }))).toMatchObject({
      effective_limits: allowed,
    })
  })

  test.each(['a', '7', 'a-b', 'acme--inc', 'a'.repeat(32)])('takes %s as its name', async (id) => {
    expect((await operate('POST', '/teams', { id })).status).toBe(201)
  })

  test('is refused under an id in use', async () => {
    await team('acme')
    const refusal = await errorOf(await operate('POST', '/teams', { id: 'acme', plan: 'free' }))
    expect(refusal).toMatchObject({
      status: 409,
      param: 'id',
      message: expect.stringContaining('a team of this id already'),
    })
    expect(await teamAfter(operate('GET', '/teams/acme'))).toMatchObject({ plan: 'unlimited' })
  })
})

describe('the list of teams', () => {
  interface Page {
    data: { id: string }[]
    has_more: boolean
    next_cursor: string | null
  }

  test('is paged, in the order of ids', async () => {
    for (const id of ['dove', 'ant', 'cat', 'bee', 'eel']) await team(id)
    const pages: string[][] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page = await (await operate('GET', `/teams?limit=2&cursor=${cursor}`)).json<Page>()
      expect(page.has_more).toBe(page.next_cursor !== null)
      pages.push(page.data.map(({ id }) => id))
      cursor = page.next_cursor
    }
    expect(pages).toEqual([
      ['ant', 'bee'],
      ['cat', 'default'],
      ['dove', 'eel'],
    ])
  })

  test('has the latest name of each team and no deleted team', async () => {
    await team('ant')
    await team('bee')
    await operate('PATCH', '/teams/ant', { name: 'Ants & Co.' })
    await operate('DELETE', '/teams/bee')
    const created_at = expect.any(String)
    expect(await (await operate('GET', '/teams')).json()).toEqual({
      object: 'list',
      data: [
        { object: 'team', id: 'ant', name: 'Ants & Co.', created_at },
        { object: 'team', id: 'default', name: 'default', created_at },
      ],
      has_more: false,
      next_cursor: null,
    })
  })

  test.each(['limit=0', 'limit=1001', 'limit=2.5', 'limit=many'])('with %s is refused', async (query) => {
    expect(await errorOf(await operate('GET', `/teams?${query}`))).toMatchObject({ status: 400, param: 'limit' })
  })
})

describe('a change of a team', () => {
  test('keeps the fields that it does not name', async () => {
    await team('acme', { max_n: 2 }, 'free')
    const changed = await teamAfter(operate('PATCH', '/teams/acme', { name: 'Acme' }))
    expect(changed).toMatchObject({ name: 'Acme', plan: 'free', limits: { max_n: 2 } })
    expect(await teamAfter(operate('PATCH', '/teams/acme', {}))).toEqual(changed)
    expect(await teamAfter(operate('PATCH', '/teams/acme'))).toEqual(changed)
  })

  test('replaces all limits when it names `limits`', async () => {
    await team('acme', { max_n: 2, images_per_day: 3 })
    expect(await teamAfter(operate('PATCH', '/teams/acme', { limits: { max_n: 4 } }))).toMatchObject({
      limits: { max_n: 4 },
      effective_limits: { max_n: 4 },
    })
    const { limits } = await teamAfter(operate('GET', '/teams/acme'))
    expect(limits).toEqual({ max_n: 4 })
  })

  test("removes a plan's limit by null", async () => {
    await team('acme', { requests_per_day: 1 }, 'free')
    const { effective_limits } = await teamAfter(
      operate('PATCH', '/teams/acme', { limits: { requests_per_day: null } }),
    )
    expect(effective_limits).toEqual({ requests_per_minute: 20, requests_per_day: null, concurrency: 5 })
    const { key } = await issue('acme')
    expect([(await ask(key)).status, (await ask(key)).status]).toEqual([200, 200])
  })

  test('takes the limits of its new plan', async () => {
    await team('acme', {}, 'free')
    const { effective_limits } = await teamAfter(operate('PATCH', '/teams/acme', { plan: 'tier2' }))
    expect(effective_limits).toEqual({ requests_per_minute: 100, concurrency: 5 })
  })
})

test('a team is shown with the state of its limits', async () => {
  const { key } = await team('acme', { images_per_day: 5, concurrency: 2, budget_usd: 1 })
  const cost = Number((await ask(key, { n: 2 })).headers.get('x-cost-usd'))
  const resets_in_seconds = expect.any(Number)
  expect(await (await operate('GET', '/teams/acme')).json()).toMatchObject({
    standings: [
      { limit: 'images_per_day', max: 5, used: 2, remaining: 3, resets_in_seconds },
      { limit: 'concurrency', max: 2, used: 0, remaining: 2, resets_in_seconds: null },
      { limit: 'budget_usd', max: 1, used: cost, remaining: 1 - cost, resets_in_seconds },
    ].map((standing) => ({ ...standing, scope: 'team' })),
  })
})
