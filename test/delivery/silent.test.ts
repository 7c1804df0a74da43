import { expect, test } from 'vitest'
import { post } from '../support/gateway'
import { settings } from '../support/settings'
import { CAT } from '../support/teams'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0 })
const { upstream } = upstreams()

test('without heartbeats, a late failure has its status and is not stored', async () => {
  const body = { ...CAT, prompt: 'A cat @delay=300 @fault=500' }
  expect((await post('/v1/images/generations', body)).status).toBe(502)
  expect((await post('/v1/images/generations', body)).status).toBe(502)
  expect(upstream.calls).toHaveLength(4)
})
