import { describe, expect, test, vi } from 'vitest'
import { audit, generate } from '../support/accounting'
import { openai } from '../support/gateway'
import { watchGenerations } from '../support/held-team'
import { called, cancel, ended, job, jobState } from '../support/jobs'
import { receivers, send } from '../support/receiver'
import { settings } from '../support/settings'
import { team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)
settings({ QUEUE_WAIT_SECONDS: 30 })

const prompts = (): unknown[] => upstream.calls.map(({ fields }) => fields['prompt'])

/** A team at its limit, with a client in its queue that may hang up. */
async function withQueue(headers: Record<string, string> = {}): Promise<{
  acme: TestTeam
  busy: string
  id: string
  hangUp: () => Promise<void>
}> {
  const acme = await team('acme', { concurrency: 1 })
  const busy = await job(acme.key, { prompt: 'A slow cat @delay=20000' })
  await called(upstream, 1)
  const asked = watchGenerations()
  const gone = new AbortController()
  const client = generate(acme.key, 'A dog', {}, { headers, signal: gone.signal })
  client.catch(() => {})
  const id = await vi.waitUntil(() => asked[0])
  await vi.waitUntil(async () => (await jobState(acme.key, id).catch(() => undefined))?.status === 'queued')
  return {
    acme,
    busy,
    id,
    hangUp: async () => {
      const before = asked.length
      gone.abort()
      await vi.waitUntil(() => asked.length > before)
    },
  }
}

describe('a client that hangs up in the queue of its team', () => {
  test('gives its place up, and nothing is made', async () => {
    const { acme, busy, id, hangUp } = await withQueue()
    await hangUp()
    await vi.waitUntil(async () => (await jobState(acme.key, id).catch(() => undefined)) === undefined)
    const next = await job(acme.key, { prompt: 'A cow' })
    expect(await jobState(acme.key, next)).toMatchObject({ queued_before: 0 })
    await cancel(acme.key, busy)
    await ended(acme.key, next)
    expect(prompts()).toEqual(['A slow cat @delay=20000', 'A cow'])
    expect(await audit('acme')).toHaveLength(2)
  })

  test('keeps its place for a job', async () => {
    const { acme, busy, id, hangUp } = await withQueue()
    expect(await job(acme.key, { prompt: 'A dog' })).toBe(id)
    await hangUp()
    await cancel(acme.key, busy)
    expect(await ended(acme.key, id)).toMatchObject({ status: 'succeeded' })
  })

  test('keeps its place for a webhook', async () => {
    const { acme, busy, hangUp } = await withQueue({ 'x-webhook-url': HOOK })
    await hangUp()
    await cancel(acme.key, busy)
    await vi.waitUntil(async () => {
      await send()
      return hooks.got.length > 0
    })
    expect(hooks.types).toEqual(['image.generation.completed'])
  })

  test('keeps its place for another client', async () => {
    const { acme, busy, hangUp } = await withQueue()
    const client = openai({ apiKey: acme.key, maxRetries: 0 })
    const other = client.images.generate({ model: 'gpt-image-2', prompt: 'A dog', quality: 'low', size: '1024x1024' })
    await hangUp()
    await cancel(acme.key, busy)
    expect((await other).data).toHaveLength(1)
  })

  test('finds its image later with FINISH_ABANDONED=all', async () => {
    settings({ FINISH_ABANDONED: 'all' })
    const { acme, busy, id, hangUp } = await withQueue()
    await hangUp()
    await cancel(acme.key, busy)
    await called(upstream, 2)
    const again = await generate(acme.key, 'A dog')
    expect([again.status, again.headers.get('x-generation-id')]).toEqual([200, id])
    expect(upstream.calls).toHaveLength(2)
    settings({ FINISH_ABANDONED: 'begun' })
  })
})

test('a client that hangs up after its turn finds its image later', async () => {
  const { key } = await team('acme')
  const gone = new AbortController()
  const client = generate(key, 'A cat @delay=300', {}, { signal: gone.signal })
  client.catch(() => {})
  await called(upstream, 1)
  gone.abort()
  const again = await generate(key, 'A cat @delay=300')
  expect([again.status, upstream.calls.length]).toEqual([200, 1])
})
