import { afterEach, beforeEach, vi } from 'vitest'
import { FakeOpenai } from './fake-openai.ts'
import { internet } from './internet.ts'
import { deleteObjects } from './objects'

/** The upstreams of `vitest.config.ts` that most tests use. */
export interface Upstreams {
  upstream: FakeOpenai
  relay: FakeOpenai
}

/** Plays them for the tests of a file; each test finds them as new and leaves nothing behind. */
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
    await deleteObjects()
  })
  return { upstream, relay }
}
