import { decodeBase64 } from '../../streams/base64'
import type { Bytes } from '../../streams/bytes'
import { JsonStream, type Path } from '../../streams/json'
import { readingImage } from './http'
import { entryOf, isListed, isPicturePath, listOf, promisesBase64 } from './picture-path'
import { pictureString } from './picture-string'

/** A picture of a JSON text with bytes, and its entry. The bytes are read before the next one. */
export interface FoundPicture {
  entry: Path
  bytes: Bytes
}

/** A picture of a JSON text behind a link. */
export interface LinkedPicture {
  entry: Path
  link: string
}

const nameOf = (path: Path): string => JSON.stringify(path)

/**
 * A JSON text with pictures as it streams. Entries without a picture do not count. The link and the base64 of one
 * picture count once, also in two entries.
 */
export class PictureText {
  readonly #json: JsonStream
  /** The list of the pictures with bytes; pictures elsewhere repeat them. */
  #list: string | undefined
  readonly #withBytes = new Set<string>()
  readonly #links: { path: Path; link: string }[] = []
  readonly #words: { path: Path; words: string }[] = []
  #isRead = false

  constructor(bytes: Bytes) {
    this.#json = new JsonStream(bytes, isPicturePath)
  }

  /** The pictures with bytes, in order. Throws as `JsonStream` does. */
  async *pictures(): AsyncGenerator<FoundPicture, void> {
    for await (const { path, bytes } of this.#json.strings()) {
      const picture = await pictureString(bytes, promisesBase64(path))
      if ('link' in picture) this.#links.push({ path, link: picture.link })
      else if ('words' in picture) this.#words.push({ path, words: picture.words })
      else if (this.#isNew(path)) yield { entry: entryOf(path), bytes: readingImage(decodeBase64(picture.base64)) }
    }
    this.#isRead = true
  }

  #isNew(path: Path): boolean {
    const [list, entry] = [listOf(path), nameOf(entryOf(path))]
    this.#list ??= list
    if (list !== this.#list || this.#withBytes.has(entry)) return false
    this.#withBytes.add(entry)
    return true
  }

  /** The text without its pictures, up to the current one. Throws SyntaxError for text that is not JSON. */
  get said(): unknown {
    const said = this.#isRead ? this.#json.value() : this.#json.soFar()
    for (const { path, words } of this.#words) put(said, path, words)
    return said
  }

  /**
   * The pictures behind links alone, after all pictures with bytes. Without bytes, those of a list come before the
   * same ones outside of it.
   */
  links(isRefused: (entry: Path) => boolean = () => false): LinkedPicture[] {
    const list = this.#list ?? this.#listOfLinks()
    const own = this.#links.filter(({ path }) => listOf(path) === list && !isRefused(entryOf(path)))
    const linked = new Set(own.map(({ path }) => nameOf(entryOf(path))))
    const alone = [...this.#withBytes].filter((entry) => !linked.has(entry)).length
    return own
      .filter(({ link }, at) => own.findIndex((each) => each.link === link) === at)
      .map(({ path, link }) => ({ entry: entryOf(path), link }))
      .filter(({ entry }) => !this.#withBytes.has(nameOf(entry)))
      .slice(alone)
  }

  #listOfLinks(): string {
    const listed = this.#links.find(({ path }) => isListed(path)) ?? this.#links[0]
    return listed ? listOf(listed.path) : ''
  }
}

/** Puts words back into their place in a parsed text. */
function put(said: unknown, path: Path, words: string): void {
  const [last = '', ...front] = path.toReversed()
  const holder = front.toReversed().reduce<unknown>(valueAt, said)
  if (typeof holder === 'object' && holder !== null) Reflect.set(holder, last, words)
}

/** The value of a field or an item. */
export const valueAt = (said: unknown, part: string | number): unknown =>
  typeof said === 'object' && said !== null ? Reflect.get(said, part) : undefined
