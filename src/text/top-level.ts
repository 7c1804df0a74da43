import { isObject } from '../dialects/json-body'
import { type Bytes, capped, peek, readText, withoutLeadingBlanks } from '../streams/bytes'
import { JsonStream, type Path } from '../streams/json'
import { TooLong, UnexpectedEnd } from '../streams/json-faults'
import type { ByteSpan } from '../streams/spliced'
import { NotUtf8 } from '../streams/utf8'

/** The name of a model, and its place between the quotes. */
export type NamedModel = ByteSpan & { name: string }

/** The parts of a request that the gateway needs before it passes it on. */
export interface TopLevel {
  /** Its fields, with ordinals in place of all texts but the model and a few short ones. */
  fields: Record<string, unknown>
  /** Every `model` at its top level, in any case of letters. */
  models: NamedModel[]
  /** The number of bytes outside of data URLs. */
  textBytes: number
  /** The number of data URLs. */
  files: number
  /** The beginnings of the first and the last text of its messages. */
  texts: string[]
}

/** Names of models are shorter. */
const MAX_MODEL_BYTES = 1024

/** Reads a JSON object as it passes, without its long texts in memory; undefined for other bodies. */
export async function topLevelOf(bytes: Bytes): Promise<TopLevel | undefined> {
  const json = new JsonStream(bytes, (path) => !isShort(path), { isStrict: true })
  const models: NamedModel[] = []
  const texts: string[] = []
  let [fileBytes, files] = [0, 0]
  let model: string | undefined
  try {
    for await (const { path, bytes: said } of json.strings()) {
      const from = json.offset
      if (isModel(path)) {
        const name = await readText(capped(said, MAX_MODEL_BYTES, () => new TooLong()))
        models.push({ name, from, to: json.offset - 1 })
        if (path[0] === 'model') model = name
      } else if (isFile(path) && (await isDataUrl(said))) {
        fileBytes += json.offset - from
        files += 1
      } else if (isMessage(path)) texts[Math.min(texts.length, 1)] = await beginning(said)
    }
    const value = json.value()
    if (!isObject(value)) return undefined
    const fields = typeof value['model'] === 'string' ? { ...value, model } : value
    return { fields, models, textBytes: json.offset - fileBytes, files, texts }
  } catch (error) {
    const isUnreadable = [SyntaxError, TooLong, UnexpectedEnd, NotUtf8].some((kind) => error instanceof kind)
    if (isUnreadable) return undefined
    throw error
  }
}

/** Upstreams written in Go read `Model` as `model`. */
const isModel = ([name, ...deeper]: Path): boolean =>
  typeof name === 'string' && name.toLowerCase() === 'model' && deeper.length === 0

/** Short texts that tell requests for images, and the parameters with a price of their own. */
function isShort(path: Path): boolean {
  const [name, ...inside] = path.map((key) => (typeof key === 'number' ? '*' : key))
  const place = inside.join('.')
  if (name === 'tools') return place === '*.type'
  if (name === 'messages' || name === 'input') return place === '*.content.*.type'
  return name === 'tool_choice' || name === 'service_tier' || name === 'modalities'
}

/** Fields with URLs of files (protocols §2.1, §2.3); a text elsewhere may only look like a URL. */
const isFile = (path: Path): boolean => FILE_FIELDS.includes(String(path.at(-1)))
const FILE_FIELDS = ['url', 'image_url', 'file_data']

/** The places of texts in `messages`. */
const isMessage = ([name, , ...inside]: Path): boolean =>
  name === 'messages' &&
  inside[0] === 'content' &&
  (inside.length === 1 || (inside.length === 3 && inside[2] === 'text'))

/** Longer than any known prompt for a title, in bytes. */
const BEGINNING_BYTES = 512

/** The beginning of a text; reads it to its end. */
async function beginning(said: Bytes): Promise<string> {
  const { head, all } = await peek(said, BEGINNING_BYTES)
  for await (const _ of all);
  return new TextDecoder().decode(head.subarray(0, BEGINNING_BYTES))
}

/** Whether a text is a data URL; reads it to its end. */
async function isDataUrl(said: Bytes): Promise<boolean> {
  const { head, all } = await peek(withoutLeadingBlanks(said), DATA_SCHEME.length)
  for await (const _ of all);
  return new TextDecoder().decode(head.subarray(0, DATA_SCHEME.length)).toLowerCase() === DATA_SCHEME
}

const DATA_SCHEME = 'data:'
