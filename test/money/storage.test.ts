import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { audit, generate, used } from '../support/accounting'
import { quoteOf } from '../support/billing-upstream'
import { knock } from '../support/gateway'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

test('while storage takes no picture, one is bought at most, and its cost is in the audit', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const down = vi.spyOn(env.IMAGES, 'put').mockRejectedValue(new Error('put: internal error (10001)'))
  const statuses: number[] = []
  for (const prompt of ['A cat', 'A dog', 'A cow', 'A hen']) statuses.push((await generate(key, prompt)).status)
  expect([statuses, upstream.calls.length]).toEqual([[503, 503, 503, 503], 1])
  expect(await used('acme')).toBe(quoteOf('A cat'))
  const [unbought] = await audit('acme')
  expect(unbought).toMatchObject({ status: 'failed', cost_usd: 0, attempts: 0 })
  down.mockRestore()
  expect((await generate(key, 'A fox')).status).toBe(200)
  expect(upstream.calls).toHaveLength(2)
})

test.each(['no-store', 'no-cache'])('a paid answer of %s that cannot be read has no retry', async (directive) => {
  const { key } = await team('acme', { budget_usd: 1 })
  vi.spyOn(env.IMAGES, 'get').mockRejectedValue(new Error('get: internal error (10001)'))
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'cache-control': directive }
  const body = JSON.stringify({ model: 'gpt-image-2', prompt: 'A cat', quality: 'low', size: '1024x1024' })
  const response = await knock('/v1/images/generations', { method: 'POST', headers, body })
  expect([response.status, response.headers.get('x-should-retry'), upstream.calls.length]).toEqual([503, 'false', 1])
})
