import { beforeEach, describe, expect, test } from 'vitest'
import { errorOf } from '../support/gateway'
import { operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

beforeEach(async () => {
  await team('acme')
})

const BODIES: [string, string, Record<string, unknown>][] = [
  ['POST', '/teams', { id: 'other' }],
  ['PATCH', '/teams/acme', {}],
  ['POST', '/teams/acme/keys', { name: 'a key' }],
  ['PATCH', '/teams/acme/keys/key_1', {}],
]

describe.each(BODIES)('%s %s refuses', (method, path, right) => {
  const refusalOf = async (body: unknown): Promise<unknown> => await errorOf(await operate(method, path, body))

  test.each(['{', 'id=acme', '{"a":1]', '{}}', '{} {}', '{}\f', '[]', '"acme"', 'null', '7'])(
    '%s, no JSON object',
    async (body) => {
      expect(await refusalOf(body)).toMatchObject({ status: 400, message: expect.stringContaining('one JSON object') })
    },
  )

  test('an unknown field, by its name', async () => {
    expect(await refusalOf({ ...right, budget: 5 })).toMatchObject({ status: 400, param: 'budget' })
    expect(await refusalOf({ ...right, limits: { requests: 5 } })).toMatchObject({
      status: 400,
      param: 'limits.requests',
    })
  })

  test.each(['', 'a'.repeat(101), 7, null])('%j as a name', async (name) => {
    expect(await refusalOf({ ...right, name })).toMatchObject({ status: 400, param: 'name' })
  })

  test.each([
    ['requests_per_minute', ['20', 0, -1, 1.5, true, {}]],
    ['burst', ['20', 0, -1, 1.5, true, {}]],
    ['requests_per_day', ['20', -1, 1.5, []]],
    ['images_per_day', ['20', -1, 1.5, []]],
    ['concurrency', ['20', -1, 1.5, []]],
    ['budget_usd', ['20', -0.01, 1e10, []]],
    ['models', ['gpt-image-2', {}, 2]],
    ['max_n', ['2', 0, 11, 1.5]],
    ['max_size', [1024, '1024', '1024X1024', '0x1024', '1024x1024 ', '']],
  ])('%s with a wrong value', async (limit, values) => {
    for (const value of values) {
      expect(await refusalOf({ ...right, limits: { [limit]: value } })).toMatchObject({
        status: 400,
        param: `limits.${limit}`,
      })
    }
  })

  test('a list of models with an item that is no name', async () => {
    expect(await refusalOf({ ...right, limits: { models: ['a', 1] } })).toMatchObject({ param: 'limits.models[1]' })
    expect(await refusalOf({ ...right, limits: { models: [''] } })).toMatchObject({ param: 'limits.models[0]' })
  })
})

describe.each([
  ['POST', '/teams'],
  ['PATCH', '/teams/acme'],
])('%s %s refuses', (method, path) => {
  test.each(['gold', '', 'Free', 'toString', 'constructor', '__proto__'])('%j as a plan', async (plan) => {
    const refusal = await errorOf(await operate(method, path, { ...(method === 'POST' ? { id: 'other' } : {}), plan }))
    expect(refusal).toMatchObject({ status: 400, param: 'plan', message: expect.stringContaining("'free'") })
  })
})

test.each(['', 'Acme', 'a_b', '-a', 'a-', 'a b', 'a/b', 'ä', 'a'.repeat(33), 7, null, undefined])(
  'a team cannot have the id %j',
  async (id) => {
    expect(await errorOf(await operate('POST', '/teams', { id }))).toMatchObject({ status: 400, param: 'id' })
  },
)

test.each(['tomorrow', '2027-01-31', '2027-02-30T00:00:00Z', 1_800_000_000, true])(
  'a key cannot expire at %j',
  async (expires_at) => {
    const refusal = await errorOf(await operate('POST', '/teams/acme/keys', { name: 'a', expires_at }))
    expect(refusal).toMatchObject({ status: 400, param: 'expires_at' })
  },
)

describe('a team that does not exist', () => {
  test.each([
    ['GET', '/teams/nobody', undefined],
    ['PATCH', '/teams/nobody', { name: 'a' }],
    ['DELETE', '/teams/nobody', undefined],
    ['POST', '/teams/nobody/keys', { name: 'a' }],
    ['GET', '/teams/nobody/keys', undefined],
    ['PATCH', '/teams/nobody/keys/key_1', { name: 'a' }],
    ['DELETE', '/teams/nobody/keys/key_1', undefined],
    ['GET', '/teams/NOT%20AN%20ID', undefined],
  ])('is a 404 for %s %s', async (method, path, body) => {
    const message = 'There is no such team. List them with GET /admin/api/teams.'
    expect(await errorOf(await operate(method, path, body))).toMatchObject({ status: 404, message })
  })
})

test.each([
  ['PATCH', { name: 'a' }],
  ['DELETE', undefined],
])("%s of another team's key is a 404", async (method, body) => {
  const other = await team('other')
  const refusal = await errorOf(await operate(method, `/teams/acme/keys/${other.id}`, body))
  expect(refusal).toMatchObject({ status: 404, message: expect.stringContaining('no such key') })
})
