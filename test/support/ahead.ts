import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    aheadMs: number
  }
}

/** The lead of the tests' clock over the machine's, in ms; `CLOCK` sets it. */
export const aheadMs = inject('aheadMs')
