import { expect, test } from 'vitest'
import { called, cancel, job } from '../support/jobs'
import { settings } from '../support/settings'
import { ask, issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.1, QUEUE_WAIT_SECONDS: 0.4 })
const { upstream } = upstreams()

test("a refusal by one key's own limits, after its answer began, is no failure for other keys", async () => {
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
