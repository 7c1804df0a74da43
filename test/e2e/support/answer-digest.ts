import { type Hash, createHash } from 'node:crypto'

/** The digest of an answer with pictures too large for memory. */
export interface Digest {
  pictures: { bytes: number; sha256: string }[]
  /** The answer, with `"passed":""` in the place of each picture's base64. */
  text: string
}

const START = '"b64_json":"'
const PASSED = '"passed":"'

/** Reads an answer with pictures of any size as it arrives. */
export async function digestAnswer(body: ReadableStream<Uint8Array>): Promise<Digest> {
  const pictures: Digest['pictures'] = []
  const decoder = new TextDecoder()
  let text = ''
  let picture: Picture | undefined
  for await (const chunk of body) {
    let rest = decoder.decode(chunk, { stream: true })
    while (rest !== '') {
      if (picture) {
        const end = rest.indexOf('"')
        picture.add(end === -1 ? rest : rest.slice(0, end))
        if (end === -1) break
        pictures.push(picture.digest())
        picture = undefined
        rest = rest.slice(end)
      }
      const [before = '', ...after] = (text + rest).split(START)
      text = after.length === 0 ? before : before + PASSED
      rest = after.join(START)
      if (after.length > 0) picture = new Picture()
    }
  }
  return { pictures, text }
}

class Picture {
  readonly #hash: Hash = createHash('sha256')
  #bytes = 0
  #carry = ''

  add(base64: string): void {
    const text = this.#carry + base64
    const whole = text.length - (text.length % 4)
    this.#carry = text.slice(whole)
    const bytes = Buffer.from(text.slice(0, whole), 'base64')
    this.#bytes += bytes.length
    this.#hash.update(bytes)
  }

  digest(): { bytes: number; sha256: string } {
    if (this.#carry !== '') throw new Error('the base64 of a picture is cut short')
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') }
  }
}
