import type { Path } from '../../streams/json'

/**
 * Numbers pictures by their order in an answer, because an entry may hold something else instead of a picture.
 * `entryOf` names the entry of a picture's value at a path; undefined for any other value.
 */
export function pictureNumbers(
  entryOf: (path: Path) => string | number | undefined,
): (path: Path) => number | undefined {
  const numbers = new Map<string | number, number>()
  return (path) => {
    const entry = entryOf(path)
    if (entry === undefined) return undefined
    const number = numbers.get(entry) ?? numbers.size
    numbers.set(entry, number)
    return number
  }
}
