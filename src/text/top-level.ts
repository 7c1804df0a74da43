import { isObject } from '../dialects/json-body'
import { type Bytes, capped, peek, readText } from '../streams/bytes'
import { JsonStream, type Path, TooLong, UnexpectedEnd } from '../streams/json'
import type { ByteSpan } from '../streams/spliced'

/** The name of a model, and where it stands between its quotes. */
export type Named = ByteSpan & { name: string }

/** A request as far as it has to be known before it can be passed on. */
export interface TopLevel {
  /** Its fields, in which ordinals stand for all texts but the model and a few that are short. */
  fields: Record<string, unknown>
  /** Every `model` at its top level, in whatever case. */
  models: Named[]
  /** How many bytes of it are not in data URLs, and how many of those there are. */
  textBytes: number
  files: number
}

/** No model has a longer name. */
const MAX_MODEL_BYTES = 1024

/** Reads a JSON object as it passes, holding none of its long texts; undefined where it is none. */
export async function topLevelOf(bytes: Bytes): Promise<TopLevel | undefined> {
  const json = new JsonStream(bytes, (path) => !isShort(path))
  const models: Named[] = []
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
      }
    }
    const value = json.value()
    if (!isObject(value)) return undefined
    const fields = typeof value['model'] === 'string' ? { ...value, model } : value
    return { fields, models, textBytes: json.offset - fileBytes, files }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TooLong || error instanceof UnexpectedEnd) return undefined
    throw error
  }
}

/** Upstreams that are written in Go take `Model` for `model`. */
const isModel = ([name, ...deeper]: Path): boolean =>
  typeof name === 'string' && name.toLowerCase() === 'model' && deeper.length === 0

/** Texts by which requests for pictures are told from others, and which no client has reason to make long. */
function isShort(path: Path): boolean {
  const [name, index, key] = path
  if (name === 'tools') return path.length === 3 && typeof index === 'number' && key === 'type'
  return name === 'tool_choice'
}

/** Where chats and responses have the URLs of files (protocols §2.1, §2.3): words may begin like one elsewhere. */
const isFile = (path: Path): boolean => FILE_FIELDS.includes(String(path.at(-1)))
const FILE_FIELDS = ['url', 'image_url', 'file_data']

/** Reads a text to its end. */
async function isDataUrl(said: Bytes): Promise<boolean> {
  const { head, all } = await peek(said, DATA.length)
  for await (const _ of all);
  return new TextDecoder().decode(head.subarray(0, DATA.length)) === DATA
}

const DATA = 'data:'
