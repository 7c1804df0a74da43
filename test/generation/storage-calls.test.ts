import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { deleteObjects } from '../support/objects'
import { settings } from '../support/settings'
import { ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()
settings({ CACHE_SCOPE: 'shared' })

const VERBS = ['get', 'list', 'put', 'delete'] as const
const BODY = { prompt: 'A counted cat' }

/** Counts the calls of a generation's storage from now on. */
async function counted(id: string): Promise<string[]> {
  const calls: string[] = []
  await runInDurableObject(env.GENERATIONS.getByName(id), (_, { storage }) => {
    const { kv } = storage
    const shared = Object.getPrototypeOf(kv)
    for (const verb of VERBS) {
      const usual: unknown = Reflect.get(shared, verb)
      if (typeof usual !== 'function') throw new Error(`the storage has no ${verb}`)
      Object.defineProperty(kv, verb, {
        value: (...given: unknown[]) => {
          calls.push(`${verb} ${JSON.stringify(given[0])}`)
          return Reflect.apply(usual, kv, given)
        },
      })
    }
  })
  return calls
}

const writes = (calls: readonly string[]): string[] => calls.filter((call) => /^(?:put|delete)/.test(call))

test('a miss reads rows of its generation 11 times at most, and writes 10 times', async () => {
  const first = await ask((await team('acme')).key, BODY)
  const id = first.headers.get('x-generation-id') ?? ''
  await first.text()
  await deleteObjects()
  for (const { name } of (await env.CACHE.list()).keys) await env.CACHE.delete(name)
  const { key } = await team('acme')
  const calls = await counted(id)
  expect((await ask(key, BODY)).headers.get('x-cache')).toBe('MISS')
  expect(upstream.calls).toHaveLength(2)
  expect(calls.length - writes(calls).length, calls.join(', ')).toBeLessThanOrEqual(11)
  expect(writes(calls).length, calls.join(', ')).toBeLessThanOrEqual(10)
})
