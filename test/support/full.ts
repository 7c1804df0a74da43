import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    full: boolean
  }
}

/** Whether tests run at full size, set by `FULL=1`; by default, repetitions are fewer. */
export const full = inject('full')
