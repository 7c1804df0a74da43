import { parameterPath } from '../failures/checked'
import { invalidType } from '../failures/parameters'
import { refusing } from '../failures/refuse'
import { type Failure, GatewayError } from '../failures/errors'
import type { InputImage } from '../image/request'
import { MAX_URL_BYTES } from '../runtime/public-url'
import { decodeBase64 } from '../streams/base64'
import { type Bytes, capped, peek, readText } from '../streams/bytes'
import { JsonStream, type Path, type TakenString, TooLong, UnexpectedEnd } from '../streams/json'
import type { Intake, PicturePosition } from './intake'

/** A picture of a body: stored as it passed, or a URL to fetch after the rest is checked. */
export type BodyPicture = InputImage | { url: string }

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
}

/** Bytes that tell a URL from base64. */
const URL_HEAD_BYTES = 'https://'.length

/** Reads a JSON body and stores its pictures as they pass. Throws GatewayError. */
export async function readJsonBody(intake: Intake, pictured: PicturePlaces): Promise<JsonBody> {
  const pictures: BodyPicture[] = []
  const fields = await readJsonFields(intake, pictured.isPicture, async ({ path, bytes }) => {
    const position = { number: pictures.length + 1, param: parameterPath(path) }
    if (pictures.length === pictured.most) throw new GatewayError(pictured.tooMany(position.param))
    pictures.push(await readPicture(bytes, intake, position, pictured.isBare?.(path) ?? false))
  })
  return { fields, pictures }
}

/**
 * Reads a JSON body and passes each string at a place that `take` accepts to `onString`. An ordinal replaces the string.
 * Throws GatewayError.
 */
export async function readJsonFields(
  intake: Intake,
  take: (path: Path) => boolean,
  onString: (taken: TakenString) => Promise<void>,
): Promise<JsonBody['fields']> {
  const type = intake.header('content-type') ?? 'none'
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type))
    throw new GatewayError(refusing({ reason: 'unsupported_content_type', given: type }))
  const json = new JsonStream(intake.body, take)
  try {
    for await (const taken of json.strings()) await onString(taken)
    const fields = json.value()
    if (isObject(fields)) return fields
  } catch (error) {
    if (error instanceof TooLong) throw new GatewayError(jsonTooLong(error.message), { cause: error })
    if (!(error instanceof SyntaxError || error instanceof UnexpectedEnd)) throw error
  }
  throw new GatewayError(UNREADABLE_JSON)
}

/** Stores a picture as it passes, or reads its URL. Throws GatewayError. */
export async function readPicture(
  bytes: Bytes,
  intake: Intake,
  position: PicturePosition,
  isBare: boolean,
): Promise<BodyPicture> {
  const { head, all } = await peek(bytes, URL_HEAD_BYTES)
  const start = new TextDecoder().decode(head)
  if (start.startsWith('data:') || (isBare && !/^https?:/i.test(start)))
    return await intake.picture(decodeBase64(all), position)
  const refusal = invalidType(position.param, 'an https URL or a data URL', 'a longer text')
  return { url: await readText(capped(all, MAX_URL_BYTES, () => new GatewayError(refusal))) }
}

/** The picture with an ordinal, fetched if the body has its URL. Throws GatewayError. */
export async function inputImageAt(
  intake: Intake,
  pictures: readonly BodyPicture[],
  ordinal: string,
  param: string,
): Promise<InputImage> {
  const picture = pictures[Number(ordinal)]
  if (!picture) throw new Error(`the body has no picture ${ordinal}`)
  return 'url' in picture ? await intake.pictureAt(picture.url, { number: Number(ordinal) + 1, param }) : picture
}

/** Reads items one after the other, since each picture takes its share of the isolate's memory. */
export async function mapInTurn<Item, Value>(
  items: readonly Item[],
  read: (item: Item, at: number) => Promise<Value>,
): Promise<Value[]> {
  const values: Value[] = []
  for (const [at, item] of items.entries()) values.push(await read(item, at))
  return values
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const UNREADABLE_JSON: Failure = {
  code: 'invalid_request',
  message: 'We could not parse the JSON body of your request. Send one JSON object, and check its quotes and commas.',
}

const jsonTooLong = (why: string): Failure => ({
  code: 'too_large',
  message: `We could not read the JSON body of your request: ${why}. Send less text.`,
})
