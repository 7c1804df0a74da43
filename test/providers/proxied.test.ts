import { expect, test } from 'vitest'
import { FakeFal } from '../support/fake-fal'
import { FakeReplicate } from '../support/fake-replicate'
import { post } from '../support/gateway'
import { playing } from '../support/playing'

/** Upstreams behind a proxy, which passes on the URLs of the hosts behind it. */
const [fal, replicate] = playing(new FakeFal(), new FakeReplicate())
fal.maker = 'https://queue.fal.run'
replicate.maker = 'https://api.replicate.com'

test.each([
  [fal, 'fal-ai/flux-2-pro', ['/fal-ai/flux-2-pro/requests/:id/status', '/fal-ai/flux-2-pro/requests/:id']],
  [fal, 'fal-ai/flux-pro/kontext', ['/fal-ai/flux-pro/requests/:id/status', '/fal-ai/flux-pro/requests/:id']],
  [replicate, 'black-forest-labs/flux-dev', ['/v1/predictions/:id']],
])('$provider is polled through the proxy that took the job: %s', async (upstream, model, paths) => {
  const response = await post('/v1/images/generations', { model, prompt: 'A cat' })
  expect([response.status, upstream.submits]).toEqual([200, 1])
  const [id = ''] = upstream.jobs.keys()
  const [, ...looks] = upstream.sent.map(({ path }) => path.replace(id, ':id'))
  expect(looks).toEqual(paths)
})
