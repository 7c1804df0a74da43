import { beforeEach, describe, expect, test, vi } from 'vitest'
import { errorOf } from '../support/gateway'
import { ask, issue, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

// Limits refill with time, and a slow machine takes its time.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() }))

interface Case {
  strict: Record<string, unknown>
  loose: Record<string, unknown>
  /** Requests; the strict limit admits all but the last. */
  bodies: Record<string, unknown>[]
  /** Whether the requests are simultaneous. */
  atOnce?: boolean
  refusal: Record<string, unknown>
}

const twice = [{ prompt: 'A cat' }, { prompt: 'A dog' }]
const limited = { status: 429, type: 'requests', code: 'rate_limit_exceeded' }

const CASES: Record<string, Case> = {
  requests_per_minute: {
    strict: { requests_per_minute: 1 },
    loose: { requests_per_minute: 9 },
    bodies: [{}, {}],
    refusal: limited,
  },
  burst: {
    strict: {
      requests_per_minute: 60,
      burst: 1,
    },
    loose: {
      requests_per_minute: 60,
      burst: 9,
    },
    bodies: [{}, {}],
    refusal: limited,
  },
  requests_per_day: {
    strict: { requests_per_day: 2 },
    loose: { requests_per_day: 9 },
    bodies: [{}, {}, {}],
    refusal: limited,
  },
  images_per_day: {
    strict: { images_per_day: 4 },
    loose: { images_per_day: 9 },
    bodies: [{ n: 3 }, { n: 1 }, { n: 2 }],
    refusal: limited,
  },
  concurrency: {
    strict: { concurrency: 1 },
    loose: { concurrency: 9 },
    bodies: [{ prompt: 'A cat @delay=200' }, { prompt: 'A dog @delay=200' }],
    atOnce: true,
    refusal: { ...limited, type: 'concurrent-requests' },
  },
  budget_usd: {
    strict: { budget_usd: 0.01 },
    loose: { budget_usd: 0.9 },
    bodies: twice,
    refusal: {
      status: 429,
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    },
  },
  models: {
    strict: { models: ['relay-*', 'gpt-image-2'] },
    loose: { models: ['gpt-*', 'relay-1'] },
    bodies: [{}, { model: 'gpt-image-2.5-flare' }],
    refusal: {
      status: 403,
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: 'model',
    },
  },
  max_n: {
    strict: { max_n: 2 },
    loose: { max_n: 9 },
    bodies: [{ n: 2 }, { n: 3 }],
    refusal: {
      status: 400,
      code: 'integer_above_max_value',
      param: 'n',
    },
  },
  max_size: {
    strict: { max_size: '1024x1536' },
    loose: { max_size: '4096x4096' },
    bodies: [{ size: 'auto' }, { size: '1536x1024' }, { size: '2048x1024' }],
    refusal: {
      status: 400,
      param: 'size',
    },
  },
}

/** Sends all requests and returns their outcomes, the refusals last. */
async function answersTo({ bodies, atOnce }: Case, key: string): Promise<Response[]> {
  const answers: Response[] = []
  if (atOnce) answers.push(...(await Promise.all(bodies.map((body) => ask(key, body)))))
  else for (const body of bodies) answers.push(await ask(key, body))
  return answers.toSorted((a, b) => a.status - b.status)
}

describe.each(Object.entries(CASES))('the limit %s', (_, limit) => {
  const { strict, loose, bodies, refusal } = limit
  const allowed = bodies.slice(1).map(() => 200)

  test.each([
    ['its key', 'key', loose, strict],
    ['its team', 'team', strict, loose],
    ['its key, without a limit of its team', 'key', {}, strict],
    ['its team, without a limit of its key', 'team', strict, {}],
  ])('is the stricter of two: %s', async (_who, scope, ofTeam, ofKey) => {
    await team('acme', ofTeam)
    const { key } = await issue('acme', { limits: ofKey })
    const answers = await answersTo(limit, key)
    expect(answers.map(({ status }) => status)).toEqual([...allowed, refusal['status']])
    const [refused] = answers.slice(-1)
    const error = refused && (await errorOf(refused))
    expect(error).toMatchObject(refusal)
    if (error?.status === 429) expect(error.message).toMatch(new RegExp(`[tT]his ${scope}`))
  })

  test('does not bind where both allow more', async () => {
    await team('acme', loose)
    const { key } = await issue('acme', { limits: loose })
    expect((await answersTo(limit, key)).map(({ status }) => status)).toEqual([...allowed, 200])
  })

  test('of one key is no limit of another', async () => {
    const { key } = await team('acme')
    await answersTo(limit, (await issue('acme', { limits: strict })).key)
    expect((await answersTo(limit, key)).map(({ status }) => status)).toEqual([...allowed, 200])
  })

  test.each(['team', 'key'])('of a %s acts from the next request on, made stricter and lifted', async (scope) => {
    const { key, id } = await team('acme')
    const path = scope === 'team' ? '/teams/acme' : `/teams/acme/keys/${id}`
    await operate('PATCH', path, { limits: strict })
    expect((await answersTo(limit, key)).at(-1)?.status).toBe(refusal['status'])
    await operate('PATCH', path, { limits: {} })
    const last = bodies.at(-1)
    expect((await ask(key, last, { 'cache-control': 'no-cache' })).status).toBe(200)
  })
})

test.each([
  ['a shape', { size: '3:4 2K' }, '1536x2048'],
  ['a crop of a larger picture', { size: '1080x1920' }, '1080x1920'],
  ['a picture that is scaled up', { model: 'gpt-image-1.5', size: '1080x1080' }, '1080x1080'],
  ['a shape of the largest resolution', { size: '16:9 4K' }, '3840x2160'],
])('the largest size of a key binds the delivered size of %s', async (_, body, pixels) => {
  const { key } = await team('acme', { max_size: pixels })
  expect((await ask(key, body)).status).toBe(200)
  const { key: lesser } = await team('globex', { max_size: pixels.replace(/\d+$/, (edge) => String(Number(edge) - 1)) })
  const refused = await errorOf(await ask(lesser, body))
  expect(refused).toMatchObject({ status: 400, param: 'size', message: expect.stringContaining(`'${pixels}'`) })
})
