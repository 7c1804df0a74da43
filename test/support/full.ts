import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    full: boolean
  }
}

/** Whether tests run at full size, which `FULL=1` asks for; by default, repetitions are fewer. */
export const full = inject('full')
