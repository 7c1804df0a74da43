import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, vi } from 'vitest'
import { FakeOpenai } from './fake-openai.ts'
import { internet } from './internet.ts'

/** The upstreams of `vitest.config.ts` that most tests talk to. */
export interface Upstreams {
  upstream: FakeOpenai
  relay: FakeOpenai
}

/** Plays them for the tests of a file: each test finds them as new, and leaves nothing behind for the next. */
export function upstreams(): Upstreams {
  const upstream = new FakeOpenai()
  const relay = new FakeOpenai({ apiKey: 'sk-relay-secret' })
  beforeEach(() => {
    upstream.reset()
    relay.reset()
    internet({ 'api.openai.com': upstream, 'relay.example.com': relay })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.useRealTimers()
    // What is not in memory, as after an abort, would outlive the reset.
    await env.DIRECTORY.getByName('directory').list(1)
    await reset()
  })
  return { upstream, relay }
}
