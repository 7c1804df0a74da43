import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { accounts, small, standingOf, times } from '../support/accounts'
import { ask, team } from '../support/teams'

const fake = accounts(
  [{ name: 'three', secret: 'THREE_KEY', models: ['three=relay-1'], max_concurrency: 3, timeout_seconds: 120 }],
  { THREE_KEY: 'key-three', QUEUE_WAIT_SECONDS: 0 },
)

/** Loses the next calls of a method of accounts: before they arrive, or only their replies. */
function losing(method: 'enter' | 'leave', count: number, when: 'before' | 'after'): { lost: number } {
  const told = { lost: 0 }
  const real = env.ACCOUNTS.getByName.bind(env.ACCOUNTS)
  vi.spyOn(env.ACCOUNTS, 'getByName').mockImplementation((name) => {
    const stub = real(name)
    return new Proxy(stub, {
      get: (_, property) => {
        if (property !== method || told.lost >= count) return Reflect.get(stub, property, stub)
        return async (...args: unknown[]) => {
          told.lost += 1
          if (when === 'after') await Reflect.apply(Reflect.get(stub, method, stub), stub, args)
          throw new Error('Network connection lost.')
        }
      },
    })
  })
  return told
}

const status = async (key: string, prompt: string): Promise<number> => {
  const response = await ask(key, small('three', prompt))
  await response.arrayBuffer()
  return response.status
}

const free = (): Promise<unknown> => vi.waitUntil(async () => (await standingOf('three')).slots === 0)

test.each([
  ['enter', 'after'],
  ['leave', 'before'],
  ['leave', 'after'],
] as const)('lost calls of %s (%s their effect) hold no slot', async (method, when) => {
  const { key } = await team('acme')
  expect(await status(key, 'A first cat')).toBe(200)
  // Each is asked twice at once, so all three are lost.
  const told = losing(method, 6, when)
  const statuses = await times(3, 3, async (at) => await status(key, `A cat ${at}`))
  await vi.waitUntil(() => told.lost === 6)
  expect(statuses).toEqual(method === 'enter' ? [503, 503, 503] : [200, 200, 200])
  await free()
  expect(await times(3, 3, async (at) => await status(key, `A dog ${at}`))).toEqual([200, 200, 200])
  expect(fake.most('key-three')).toBeLessThanOrEqual(3)
})

test('an outcome counts once, also if its report is repeated', async () => {
  const account = env.ACCOUNTS.getByName('repeated')
  const owner = { id: 'call', model: 'relay-1', payer: 'acme', request: 'call' }
  for (let at = 0; at < 3; at++) await account.leave(owner, { is: 'throttled' })
  expect((await account.status()).health.cooling.times).toBe(1)
})
