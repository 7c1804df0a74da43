import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { errorOf } from '../support/gateway'
import { operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { deliveries, note } from '../support/webhooks'

upstreams()

const idsOf = async (query?: string): Promise<string[]> => (await deliveries(query)).data.map(({ id }) => id)

beforeEach(async () => {
  await team('acme')
})

describe('a delivery', () => {
  const SECRETIVE = 'https://user:pass@hooks.example.com:8443/in/here?token=secret#part'

  test('has its state, and its URL without secrets', async () => {
    const createdMs = Date.now()
    const attempt = { attempts: 2, lastStatus: 503, lastError: 'The receiver answered with status 503.' }
    await note({ ...attempt, url: SECRETIVE, createdMs, lastMs: createdMs + 5000, nextMs: createdMs + 300_000 })
    const response = await operate('GET', '/teams/acme/webhook/deliveries')
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await response.json()).toEqual({
      object: 'list',
      data: [
        {
          object: 'webhook_delivery',
          id: 'evt_1',
          generation: 'gen_1',
          type: 'image.generation.completed',
          url: 'https://hooks.example.com:8443/in/here',
          status: 'pending',
          attempts: 2,
          last_status: 503,
          last_error: 'The receiver answered with status 503.',
          created_at: new Date(createdMs).toISOString(),
          last_attempt_at: new Date(createdMs + 5000).toISOString(),
          next_attempt_at: new Date(createdMs + 300_000).toISOString(),
        },
      ],
      has_more: false,
      next_cursor: null,
    })
  })

  test('without an attempt has no outcome of one', async () => {
    await note()
    const nothing = { last_status: null, last_error: null, last_attempt_at: null, next_attempt_at: null }
    expect((await deliveries()).data).toMatchObject([{ status: 'pending', attempts: 0, ...nothing }])
  })

  test('keeps its id through every attempt', async () => {
    await note({ nextMs: Date.now() + 5000 })
    await note({ attempts: 1, lastStatus: 500, lastError: 'The receiver answered with status 500.' })
    await note({ status: 'delivered', attempts: 2, lastStatus: 200 })
    const told = { status: 'delivered', attempts: 2, last_status: 200, last_error: null, next_attempt_at: null }
    expect((await deliveries()).data).toMatchObject([told])
  })
})

describe('the list of deliveries', () => {
  beforeEach(async () => {
    const now = Date.now()
    const facts = [
      { id: 'evt_a', createdMs: now + 1, generation: 'gen_1', status: 'delivered' },
      { id: 'evt_b', createdMs: now + 3, generation: 'gen_1', status: 'failed' },
      { id: 'evt_c', createdMs: now + 2, generation: 'gen_2', status: 'pending' },
      { id: 'evt_d', createdMs: now + 3, generation: 'gen_2', status: 'delivered' },
    ] as const
    for (const each of facts) await note(each)
  })

  test('begins with the newest', async () => {
    expect(await idsOf()).toEqual(['evt_d', 'evt_b', 'evt_c', 'evt_a'])
  })

  test.each([
    ['status=delivered', ['evt_d', 'evt_a']],
    ['status=failed', ['evt_b']],
    ['generation=gen_2', ['evt_d', 'evt_c']],
    ['generation=gen_1&status=delivered', ['evt_a']],
    ['generation=gen_3', []],
  ])('with %s has deliveries of that status alone', async (query, ids) => {
    expect(await idsOf(`?${query}`)).toEqual(ids)
  })

  test('is paged', async () => {
    const pages: string[][] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const from: string = cursor && `&cursor=${cursor}`
      const page = await deliveries(`?limit=1${from}`)
      expect(page.has_more).toBe(page.next_cursor !== null)
      pages.push(page.data.map(({ id }) => id))
      cursor = page.next_cursor
    }
    expect(pages).toEqual([['evt_d'], ['evt_b'], ['evt_c'], ['evt_a']])
  })

  test('has no delivery of another team', async () => {
    await team('other')
    expect(await (await operate('GET', '/teams/other/webhook/deliveries')).json()).toMatchObject({ data: [] })
  })

  test.each([
    ['status', 'sent'],
    ['limit', '0'],
    ['limit', '1001'],
    ['limit', 'many'],
    ['cursor', 'evt_a'],
    ['cursor', "1.a'b"],
  ])('with %s=%s is refused', async (param, value) => {
    const refused = await operate('GET', `/teams/acme/webhook/deliveries?${param}=${encodeURIComponent(value)}`)
    expect(await errorOf(refused)).toMatchObject({ status: 400, param })
  })
})

describe('redelivery of an event', () => {
  const redeliver = (id: string, owner = 'acme'): Promise<Response> =>
    operate('POST', `/teams/${owner}/webhook/deliveries/${id}/redeliver`)

  /** Replaces the `redeliver` of generations by `answer`; returns the calls. */
  function generations(answer: (event: string) => Promise<boolean>): [string, string][] {
    const asked: [string, string][] = []
    const stub = env.GENERATIONS.getByName('gen_1')
    vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation((name) => {
      const answerEvent = async (event: string): Promise<boolean> => {
        asked.push([name, event])
        return await answer(event)
      }
      return new Proxy(stub, {
        get: (real, verb): unknown => (verb === 'redeliver' ? answerEvent : Reflect.get(real, verb)),
      })
    })
    return asked
  }

  test('goes to the generation of the event', async () => {
    await note({ status: 'failed', attempts: 7, lastStatus: 500 })
    const asked = generations(async () => {
      await note({ status: 'pending', attempts: 7, lastStatus: 500 })
      return true
    })
    const response = await redeliver('evt_1')
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ object: 'webhook_delivery', id: 'evt_1', status: 'pending' })
    expect(asked).toEqual([['gen_1', 'evt_1']])
  })

  test('is a 409 once the generation has dropped the event', async () => {
    await note({ status: 'failed', attempts: 7 })
    generations(async () => false)
    const message = expect.stringContaining('no longer keeps it')
    expect(await errorOf(await redeliver('evt_1'))).toMatchObject({ status: 409, message })
  })

  test('is a 503 that allows a retry while the generation is unreachable', async () => {
    await note({ status: 'failed', attempts: 7 })
    const asked = generations(() => Promise.reject(new Error('Network connection lost.')))
    expect(await errorOf(await redeliver('evt_1'))).toMatchObject({ status: 503 })
    expect(asked).toHaveLength(2)
  })

  test.each([
    ['no team has', 'acme', 'evt_2'],
    ['another team has', 'other', 'evt_1'],
  ])('is a 404 where %s the delivery', async (_, id, event) => {
    await team('other')
    await note()
    const asked = generations(async () => true)
    const message = expect.stringContaining('no such delivery')
    expect(await errorOf(await redeliver(event, id))).toMatchObject({ status: 404, message })
    expect(asked).toEqual([])
  })
})
