import { vi } from 'vitest'

const waitFor = vi.waitFor.bind(vi)
const waitUntil = vi.waitUntil.bind(vi)

type Options = Parameters<typeof vi.waitUntil>[1]

const patient = (options: Options): Options => ({
  interval: 5,
  ...(typeof options === 'object' ? options : {}),
  timeout: 60_000,
})

/** Has conditions wait a minute: a busy machine needs more than the second of vitest. They are checked every 5 ms. */
export function waitPatiently(): void {
  vi.waitFor = (check, options) => waitFor(check, patient(options))
  vi.waitUntil = (condition, options) => waitUntil(condition, patient(options))
}
