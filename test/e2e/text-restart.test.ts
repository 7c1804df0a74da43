import { expect, test, vi } from 'vitest'
import { full } from '../support/full.ts'
import { startTextUpstream } from './clients/support/text-upstream.ts'
import { crashes } from './support/crashes.ts'
import { startGateway } from './support/gateway.ts'
import { Operator } from './support/operator.ts'

const { ending } = crashes()

const TALK = { model: 'gpt-5.2', messages: [{ role: 'user' as const, content: 'Hello' }], stream: true as const }

test.runIf(full)(
  'texts in hand at a kill free their concurrency within the lease, and are booked at their quotes',
  async () => {
    const upstream = ending(await startTextUpstream())
    const account = { provider: 'openai', secret: 'TALKER_KEY', base_url: `${upstream.origin}/v1` }
    const talker = {
      ...account,
      name: 'talker',
      models: ['gpt-5*'],
      prices: { 'gpt-5.2': { text_in: 2, text_out: 10 } },
    }
    const variables = { UPSTREAMS: JSON.stringify([talker]), TALKER_KEY: 'sk-talker', ALLOW_PRIVATE_URLS: 'true' }
    const first = await startGateway(variables)
    const key = await new Operator(first).team('acme', { concurrency: 2, budget_usd: 1 })
    const streams = await Promise.all([1, 2].map(() => first.sdk({ apiKey: key }).chat.completions.create(TALK)))
    expect(streams).toHaveLength(2)

    await first.kill()
    const second = ending(await startGateway(variables, first.storage))
    const operator = new Operator(second)
    const startedMs = Date.now()
    await vi.waitUntil(
      async () =>
        (await operator.read('acme')).standings.some(({ limit, used }) => limit === 'concurrency' && used === 0),
      { timeout: 90_000, interval: 500 },
    )
    console.log('freed after ms', Date.now() - startedMs)
    const entries = await operator.audit('acme')
    expect(entries.map(({ status, cost_usd: cost, reserved_usd: reserved }) => [status, cost === reserved])).toEqual([
      ['expired', true],
      ['expired', true],
    ])
  },
)
