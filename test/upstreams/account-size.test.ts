import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { healthAfter, NEW } from '../../src/upstreams/health'

const MANY = 300
const names = Array.from({ length: MANY }, (_, at) => `made-up-${at}`)

test('an account keeps the newest blocked models, however many names clients invent', () => {
  const missing = { is: 'misconfigured', ofModel: true } as const
  const { models } = names.reduce(
    (health, model, at) => healthAfter(health, missing, { model, payer: 'acme', request: model }, 1000 + at),
    NEW,
  )
  expect([Object.keys(models).length, models['made-up-299']]).toEqual([
    100,
    { reason: 'without-model', untilMs: 301_299, times: 1 },
  ])
  expect(models['made-up-0']).toBeUndefined()
})

test('an account keeps the latency of its usual models, however many names clients invent', async () => {
  const account = env.ACCOUNTS.getByName('sized')
  for (const [at, model] of ['usual', 'usual', ...names].entries())
    await account.leave({ id: `call-${at}`, model, payer: 'acme', request: model }, { is: 'served' }, 5)
  const { latencies } = await account.status()
  expect(latencies).toHaveLength(100)
  expect(latencies).toContainEqual({ model: 'usual', count: 2, p50Ms: 5, p95Ms: 5 })
  expect(latencies.map(({ model }) => model)).toContain('made-up-299')
})
