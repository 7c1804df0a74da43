import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    fuzz: { seed: number; count: number }
  }
}

/** The seed of the fuzzer, and the number of its requests. */
export const { seed, count } = inject('fuzz')
