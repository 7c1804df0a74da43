import type { Bytes } from '../../streams/bytes'
import { Withdrawn } from '../provider'

/** Throws Withdrawn behind the last byte when the picture was not the right one. */
export async function* withdrawnUnless(isRight: () => Promise<boolean>, bytes: Bytes): Bytes {
  yield* bytes
  if (!(await isRight())) throw new Withdrawn()
}

/** Makes a value once, at the first request for it. */
export function memoized<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => (made ??= make())
}
