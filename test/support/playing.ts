import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, vi } from 'vitest'
import type { FakeProvider } from './fake-provider.ts'
import { internet } from './internet.ts'
import { settings } from './settings.ts'

/** A fake as one of several upstreams, and what its entry of UPSTREAMS says besides; `name` is its host as well. */
export interface Part {
  name: string
  fake: FakeProvider
  setting?: Record<string, unknown>
}

/** Has fakes be the only upstreams, for the tests of a file: each finds them as new. */
export function playing<Fakes extends FakeProvider[]>(...fakes: Fakes): Fakes {
  playingParts(fakes.map((fake) => ({ name: fake.provider, fake })))
  return fakes
}

/** The same, where there are several of a kind, or more is to be set. */
export function playingParts(parts: readonly Part[]): void {
  for (const { name, fake } of parts) fake.origin = `https://${hostOf(name)}`
  const upstreams = parts.map(({ name, fake, setting }) => ({ ...fake.setting(), name, ...setting }))
  settings({ UPSTREAMS: JSON.stringify(upstreams), FAKE_KEY: parts[0]?.fake.key, DEMO_UPSTREAM: false })
  beforeEach(() => {
    for (const { fake } of parts) fake.reset()
    internet(Object.fromEntries(parts.map(({ name, fake }) => [hostOf(name), fake])))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.useRealTimers()
    // What is not in memory, as after an abort, would outlive the reset.
    await env.DIRECTORY.getByName('directory').list(1)
    await reset()
  })
}

const hostOf = (name: string): string => `${name}.example.com`
