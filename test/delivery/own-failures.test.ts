import { expect, test } from 'vitest'
import { called, cancel, job } from '../support/jobs'
import { settings } from '../support/settings'
import { ask, issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.1, QUEUE_WAIT_SECONDS: 0.4 })
const { upstream } = upstreams()

test('what a key’s own limits refused, when its answer had begun, is nobody else’s failure', async () => {
  await team('acme')
  const [held, free] = [await issue('acme', { limits: { concurrency: 1 } }), await issue('acme')]
  const first = await job(held.key, { prompt: 'A cat @delay=20000' })
  await called(upstream, 1)
  const begun = await ask(held.key, { prompt: 'A dog' })
  expect(begun.status).toBe(200)
  await expect(begun.text()).rejects.toThrow()
  expect((await ask(free.key, { prompt: 'A dog' })).status).toBe(200)
  await cancel(held.key, first)
})
