import type { Path } from '../../streams/json'

const named = (all: string): string[] => all.split(' ')

/** Names on the way to a picture in an answer (protocols §6.14). Inputs, previews and callbacks have others. */
const CONTAINERS = named('task task_result response content item predictions artifacts choices message')
/** Names of base64. */
const BASE64 = new Set(named('b64_json b64 base64 image_base64 bytesBase64Encoded partial_image_b64'))
/** Names of links, of pictures in any form, and of lists of them. */
const OTHERS = named(
  'url urls image_url image_urls imageUrl imageUrls result_url result_urls image images data result results output outputs',
)
const STRINGS = new Set([...BASE64, ...OTHERS])
const ALL = new Set([...CONTAINERS, ...STRINGS])

const namesOf = (path: Path): string[] => path.filter((part) => typeof part === 'string')

/** Whether a string at a path may be a picture: its base64 or its link. */
export function isPicturePath(path: Path): boolean {
  const names = namesOf(path)
  const last = names.at(-1)
  return last !== undefined && STRINGS.has(last) && names.every((name) => ALL.has(name))
}

/** Whether the name of a string promises a picture in base64. */
export const promisesBase64 = (path: Path): boolean => BASE64.has(namesOf(path).at(-1) ?? '')

/** The entry of a picture: the object with its link and its base64, or the string in a list. */
export const entryOf = (path: Path): Path => (typeof path.at(-1) === 'number' ? path : path.slice(0, -1))

/** The list of a picture, whatever its entry. */
export const listOf = (path: Path): string => namesOf(entryOf(path)).join('.')

export const isListed = (path: Path): boolean => path.some((part) => typeof part === 'number')
