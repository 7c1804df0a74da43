import { afterEach, beforeEach, vi } from 'vitest'
import type { FakeProvider } from './fake-provider.ts'
import { internet } from './internet.ts'
import { settings } from './settings.ts'
import { deleteObjects } from './objects'

/** A fake as one of several upstreams, with further fields of its entry; `name` is its host as well. */
export interface Part {
  name: string
  fake: FakeProvider
  setting?: Record<string, unknown>
}

/** Makes fakes the only upstreams, for the tests of a file; each test finds them as new. */
export function playing<Fakes extends FakeProvider[]>(...fakes: Fakes): Fakes {
  playingParts(fakes.map((fake) => ({ name: fake.provider, fake })))
  return fakes
}

/** The same for several fakes of a kind, or with further settings. */
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
    await deleteObjects()
  })
}

const hostOf = (name: string): string => `${name}.example.com`
