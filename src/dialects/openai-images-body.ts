import { invalidType, unknownParameter } from '../catalog/refusals'
import { type Failure, GatewayError } from '../errors'
import type { InputImage } from '../image/request'
import { decodeBase64 } from '../streams/base64'
import { type Bytes, capped, peek, text } from '../streams/bytes'
import { JsonStream, type Path, TooLong, UnexpectedEnd } from '../streams/json'
import { MalformedForm, MultipartStream } from '../streams/multipart'
import type { Intake } from './intake'
import { parameterOf } from '../checked'

/** A picture of the request: stored as it passed, or named by a URL that is fetched once the rest is known to be right. */
export type Picture = InputImage | { url: string }

/** A body in the JSON form of the API, however it was sent; every `image_url` is the ordinal of its picture. */
export interface Body {
  fields: Record<string, unknown>
  pictures: Picture[]
}

/** Sixteen to edit, one mask, one markup. */
const MAX_PICTURES = 18
const MAX_URL_BYTES = 16 * 1024
/** For all texts of a form together; the same that a JSON body may have besides its pictures. */
const MAX_TEXT_BYTES = 1024 * 1024
/** There are not half as many parameters. */
const MAX_TEXTS = 64

const INTEGERS = ['n', 'output_compression', 'partial_images', 'frame_count', 'frame_duration_ms']

/** Reads a JSON body, storing the pictures of its data URLs as they pass. Throws GatewayError. */
export async function readJson(intake: Intake): Promise<Body> {
  const type = intake.header('content-type') ?? 'none'
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) throw new GatewayError(unsupportedType(type))
  const json = new JsonStream(intake.body, isPicture)
  const pictures: Picture[] = []
  try {
    for await (const { path, bytes } of json.strings())
      pictures.push(await pictureOf(bytes, intake, path, pictures.length))
    const fields = json.value()
    if (isObject(fields)) return { fields, pictures }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TooLong || error instanceof UnexpectedEnd)) throw error
  }
  throw new GatewayError(UNREADABLE_JSON)
}

/** The places of the API where a picture stands; `image` is the relays' word for them in a JSON body. */
function isPicture(path: Path): boolean {
  const [name, ...rest] = path
  if (name === 'image') return rest.length === 0 || (rest.length === 1 && typeof rest[0] === 'number')
  if (name === 'images') return rest.length === 2 && rest[1] === 'image_url'
  return (name === 'mask' || name === 'markup') && rest.length === 1 && rest[0] === 'image_url'
}

async function pictureOf(bytes: Bytes, intake: Intake, path: Path, before: number): Promise<Picture> {
  const position = { number: before + 1, param: parameterOf(path) }
  if (before === MAX_PICTURES) throw new GatewayError(tooMany(position.param))
  const { head, all } = await peek(bytes, 'data:'.length)
  if (new TextDecoder().decode(head).startsWith('data:')) return await intake.picture(decodeBase64(all), position)
  const refusal = invalidType(position.param, 'an https URL or a data URL', 'a longer text')
  return { url: await text(capped(all, MAX_URL_BYTES, () => new GatewayError(refusal))) }
}

/** Reads a multipart body, storing its files as they pass. Throws GatewayError. */
export async function readForm(intake: Intake, boundary: string): Promise<Body> {
  const fields = new Map<string, unknown>()
  const images: { place: number; ordinal: number }[] = []
  const pictures: Picture[] = []
  let textBytes = 0
  try {
    for await (const { name, bytes } of new MultipartStream(intake.body, boundary).parts()) {
      const [, list, place] = /^(image(?:\[(\d*)\])?)$/.exec(name) ?? []
      if (!list && name !== 'mask' && name !== 'markup') {
        const value = await text(capped(bytes, MAX_TEXT_BYTES - textBytes, () => new GatewayError(tooLong(name))))
        textBytes += name.length + value.length
        if (fields.size === MAX_TEXTS) throw new GatewayError(unknownParameter(name))
        fields.set(name, fieldOf(name, value))
        continue
      }
      const ordinal = pictures.length
      if (ordinal === MAX_PICTURES) throw new GatewayError(tooMany(name))
      pictures.push(await intake.picture(bytes, { number: ordinal + 1, param: name }))
      if (list) images.push({ place: place ? Number(place) : ordinal, ordinal })
      else fields.set(name, { image_url: String(ordinal) })
    }
  } catch (error) {
    if (error instanceof MalformedForm) throw new GatewayError(unreadableForm(error.message), { cause: error })
    throw error
  }
  if (fields.has('images')) throw new GatewayError(unknownParameter('images', "In a form, use 'image' or 'image[]'."))
  const inOrder = images.toSorted((a, b) => a.place - b.place).map(({ ordinal }) => ({ image_url: String(ordinal) }))
  if (inOrder.length > 0) fields.set('images', inOrder)
  return { fields: Object.fromEntries(fields), pictures }
}

/** A form has only texts; the API reads numbers and truth values out of them. */
function fieldOf(name: string, value: string): unknown {
  if (name === 'stream' && (value === 'true' || value === 'false')) return value === 'true'
  if (!INTEGERS.includes(name)) return value
  if (/^-?\d{1,15}$/.test(value)) return Number(value)
  const got = 'a string value that could not be converted into an integer'
  throw new GatewayError(invalidType(name, 'an integer', got))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const UNREADABLE_JSON: Failure = {
  code: 'invalid_request',
  message: 'We could not parse the JSON body of your request. Send one JSON object, and check its quotes and commas.',
}

const unreadableForm = (why: string): Failure => ({
  code: 'invalid_request',
  message: `We could not read your request: ${why}. Let your HTTP client set the content-type header with its boundary.`,
})

const unsupportedType = (type: string): Failure => ({
  code: 'invalid_request',
  message: `Unsupported content type: '${type.slice(0, 100)}'. Send 'application/json', or 'multipart/form-data' for edits.`,
  reason: 'unsupported_content_type',
})

const tooMany = (param: string): Failure => ({
  code: 'invalid_request',
  message: "Invalid 'images': array too long. Expected an array with maximum length 16.",
  param,
  reason: 'array_above_max_length',
})

const tooLong = (param: string): Failure => ({
  code: 'invalid_request',
  message: `Invalid '${param}': string too long.`,
  param,
  reason: 'string_above_max_length',
})
