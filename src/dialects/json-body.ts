import { parameterPath } from '../failures/checked'
import { duplicateParameter, invalidType, notUtf8 } from '../failures/parameters'
import { refusing } from '../failures/refuse'
import { type Failure, GatewayError } from '../failures/errors'
import { MAX_URL_BYTES } from '../runtime/public-url'
import { decodeBase64 } from '../streams/base64'
import { type Bytes, capped, peek, readText, withoutLeadingBlanks } from '../streams/bytes'
import { JsonStream, type Path, type TakenString } from '../streams/json'
import { DuplicateKey, TooLong, UnexpectedEnd } from '../streams/json-faults'
import { NotUtf8 } from '../streams/utf8'
import type { Intake } from './intake'
import type { BodyPicture, PicturePosition } from './picture-source'

/** The fields of a body; an ordinal replaces each picture. */
export interface JsonBody {
  fields: Record<string, unknown>
  pictures: BodyPicture[]
}

/** The places of pictures in a wire format, and the most pictures of a body. */
export interface PicturePlaces {
  isPicture: (path: Path) => boolean
  most: number
  /** The refusal of one picture more. */
  tooMany: (param: string) => Failure
  /** Whether base64 at a place may come without a data URL. */
  isBare?: (path: Path) => boolean
  /** Checks the fields before the first picture, so that a wrong one is refused before that is read. */
  check?: (fields: Record<string, unknown>) => void
}

/** The longest place of a field in a message, in characters. */
const MAX_SHOWN_PATH = 200
/** Bytes that tell a URL from base64. */
const URL_HEAD_BYTES = 'https://'.length

/** Reads a JSON body and its pictures as they pass. A blank one is no picture. Throws GatewayError. */
export async function readJsonBody(intake: Intake, pictured: PicturePlaces): Promise<JsonBody> {
  const pictures: BodyPicture[] = []
  const fields = await readJsonFields(intake, pictured.isPicture, async ({ path, bytes }, soFar) => {
    const fieldsBefore = pictures.length === 0 && pictured.check ? soFar() : undefined
    if (isObject(fieldsBefore)) pictured.check?.(fieldsBefore)
    const position = { number: pictures.length + 1, param: parameterPath(path) }
    if (pictures.length === pictured.most) throw new GatewayError(pictured.tooMany(position.param))
    const read = await readPicture(bytes, intake, position, pictured.isBare?.(path) ?? false)
    pictures.push(read)
    return isBlank(read) ? 'blank' : undefined
  })
  return { fields, pictures }
}

/** Whether a place of a picture has an empty text. */
export const isBlank = (picture: BodyPicture | { url: string }): boolean => 'url' in picture && picture.url === ''

/** Reads a taken string. A blank one is removed from the fields. Throws GatewayError. */
type ReadString = (taken: TakenString, soFar: () => unknown) => Promise<'blank' | undefined>

/**
 * Reads a JSON body without its blanks, and passes each string at a place that `take` accepts to `onString`. An ordinal
 * replaces the string. Throws GatewayError.
 */
export async function readJsonFields(
  intake: Intake,
  take: (path: Path) => boolean,
  onString: ReadString,
): Promise<JsonBody['fields']> {
  const type = intake.header('content-type') ?? 'none'
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type))
    throw new GatewayError(refusing({ reason: 'unsupported_content_type', given: type }))
  return withoutBlanks(await jsonFieldsOf(intake.body, take, onString))
}

/** Reads the JSON object of a request as `readJsonFields` does, whatever the type of its body. Throws GatewayError. */
export async function jsonFieldsOf(
  bytes: Bytes,
  take: (path: Path) => boolean = () => false,
  onString: ReadString = async () => undefined,
): Promise<JsonBody['fields']> {
  const json = new JsonStream(bytes, take, { isStrict: true })
  try {
    const blanks: Path[] = []
    for await (const taken of json.strings())
      if ((await onString(taken, () => json.soFar())) === 'blank') blanks.push(taken.path)
    const fields = json.value()
    if (isObject(fields)) {
      // From the last one on, so that the positions of the others stay.
      for (const path of blanks.toReversed()) removeBlank(fields, path)
      return fields
    }
  } catch (error) {
    if (error instanceof DuplicateKey)
      throw new GatewayError(duplicateParameter(parameterPath(error.path).slice(0, MAX_SHOWN_PATH)), { cause: error })
    if (error instanceof NotUtf8)
      throw new GatewayError(notUtf8(parameterPath(json.place).slice(0, MAX_SHOWN_PATH)), { cause: error })
    if (error instanceof TooLong) throw new GatewayError(jsonTooLong(error.message), { cause: error })
    if (!(error instanceof SyntaxError || error instanceof UnexpectedEnd)) throw error
  }
  throw new GatewayError(UNREADABLE_JSON)
}

/** Reads a picture as it passes, or its URL. Throws GatewayError. */
export async function readPicture(
  bytes: Bytes,
  intake: Intake,
  position: PicturePosition,
  isBare: boolean,
): Promise<BodyPicture> {
  const { head, all } = await peek(withoutLeadingBlanks(bytes), URL_HEAD_BYTES)
  const start = new TextDecoder().decode(head)
  if (/^data:/i.test(start) || (isBare && !/^(?:https?:|$)/i.test(start)))
    return { input: await intake.pictures.read(decodeBase64(all), position) }
  const refusal = invalidType(position.param, 'an https URL or a data URL', 'a longer text')
  return { url: await readText(capped(all, MAX_URL_BYTES, () => new GatewayError(refusal))), position }
}

/** The picture with an ordinal; `param` is its parameter in the request that the dialect has read. */
export function sourceAt(pictures: readonly BodyPicture[], ordinal: string, param: string): BodyPicture {
  const source = pictures[Number(ordinal)]
  if (!source) throw new Error(`the body has no picture ${ordinal}`)
  return 'input' in source ? source : { ...source, position: { ...source.position, param } }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Places of texts, and of values that an answer repeats. Blanks stay there. */
const TEXT_FIELDS = [
  'contents',
  'input',
  'messages',
  'metadata',
  'prompt',
  'system_instruction',
  'systemInstruction',
  'trace',
]

/** The fields without blank ones, at any depth outside of texts. Clients send an empty text for a field that is not set. */
const withoutBlanks = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      TEXT_FIELDS.includes(name) ? [[name, value]] : value === '' ? [] : [[name, withoutInnerBlanks(value)]],
    ),
  )

function withoutInnerBlanks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutInnerBlanks)
  return isObject(value) ? withoutBlanks(value) : value
}

/** Removes a blank picture, and the objects around it that hold nothing else. */
function removeBlank(fields: Record<string, unknown>, path: Path): void {
  const holders = path.reduce<unknown[]>((all, key) => [...all, memberOf(all.at(-1), key)], [fields])
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const [holder, key] = [holders[depth], path[depth]]
    if (Array.isArray(holder) && typeof key === 'number') return void holder.splice(key, 1)
    if (!isObject(holder) || key === undefined) return
    delete holder[key]
    if (!Object.entries(holder).every(isAboutPicture)) return
  }
}

const memberOf = (holder: unknown, key: string | number): unknown => {
  if (Array.isArray(holder)) return holder[Number(key)]
  return isObject(holder) ? holder[key] : undefined
}

const PICTURE_FACTS = ['detail', 'displayName', 'display_name', 'mimeType', 'mime_type']
const PICTURE_TYPES: unknown[] = ['image_url', 'input_image']

/** Whether a field only tells of the picture beside it. */
const isAboutPicture = ([name, value]: [string, unknown]): boolean =>
  PICTURE_FACTS.includes(name) || (name === 'type' && PICTURE_TYPES.includes(value))

const UNREADABLE_JSON: Failure = {
  code: 'invalid_request',
  message: 'We could not parse the JSON body of your request. Send one JSON object, and check its quotes and commas.',
}

const jsonTooLong = (why: string): Failure => ({
  code: 'too_large',
  message: `We could not read the JSON body of your request: ${why}. Send less text.`,
})
