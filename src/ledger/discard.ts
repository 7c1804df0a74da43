import { type Entry, keptKeysOf } from './entry'

/** An entry without some of its images. Without images left, it loses its prompt and counts as deleted. */
export function withoutImages(entry: Entry, images: readonly string[], nowMs: number): Entry {
  const left = keptKeysOf(entry).filter((key) => !images.includes(key))
  const kept = { ...entry, kept_keys: JSON.stringify(left) }
  return left.length > 0 ? kept : { ...kept, prompt: '', deleted_ms: nowMs }
}
