import type { FakeProvider } from './fake-provider.ts'

/** A fake of every upstream API. */
export const FAKES: readonly (new () => FakeProvider)[] = [
]
