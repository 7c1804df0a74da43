import { duplicateParameter, invalidType, notUtf8, unknownParameter } from '../../failures/parameters'
import { type Failure, GatewayError } from '../../failures/errors'
import { type Bytes, capped, readText } from '../../streams/bytes'
import type { Path } from '../../streams/json'
import { MalformedForm, MultipartStream } from '../../streams/multipart'
import { checkedUtf8, NotUtf8 } from '../../streams/utf8'
import type { Intake } from '../intake'
import type { BodyPicture } from '../picture-source'
import { type JsonBody, readJsonBody } from '../json-body'

/** Sixteen pictures to edit, one mask and one markup. */
const MAX_BODY_PICTURES = 18
/** The longest text of a form in all, in bytes; a JSON body has the same limit. */
const MAX_TEXT_BYTES = 1024 * 1024
/** The most text fields of a form; the API has less than half as many parameters. */
const MAX_TEXTS = 64

const INTEGER_FIELDS = [
  'n',
  'output_compression',
  'partial_images',
  'frame_count',
  'frame_duration_ms',
  'seed',
  'steps',
]
const DECIMAL_FIELDS = ['guidance', 'strength']

/** Checks the fields before the first picture. Throws GatewayError. */
type CheckFields = (fields: JsonBody['fields']) => void

/** Reads a JSON body and the pictures of its data URLs as they pass. Throws GatewayError. */
export const readImagesJson = (intake: Intake, check: CheckFields): Promise<JsonBody> =>
  readJsonBody(intake, { isPicture, most: MAX_BODY_PICTURES, tooMany: tooManyImagesInBody, check })

/** The places of pictures in the API; relays put them under `image` in a JSON body. */
function isPicture(path: Path): boolean {
  const [name, ...rest] = path
  if (name === 'image') return rest.length === 0 || (rest.length === 1 && typeof rest[0] === 'number')
  if (name === 'images') return rest.length === 2 && rest[1] === 'image_url'
  return (name === 'mask' || name === 'markup') && rest.length === 1 && rest[0] === 'image_url'
}

/** Reads a multipart body and its files as they pass. Throws GatewayError. */
export async function readImagesForm(intake: Intake, boundary: string, check: CheckFields): Promise<JsonBody> {
  const fields = new Map<string, unknown>()
  const images: { place: number; ordinal: number }[] = []
  const pictures: BodyPicture[] = []
  let textBytes = 0
  try {
    for await (const { name, bytes } of new MultipartStream(intake.body, boundary).parts()) {
      const [, list, place] = /^(image(?:\[(\d*)\])?)$/.exec(name) ?? []
      if (fields.has(name)) throw new GatewayError(duplicateParameter(name))
      if (!list && name !== 'mask' && name !== 'markup') {
        const value = await readField(name, bytes, MAX_TEXT_BYTES - textBytes)
        textBytes += name.length + value.length
        if (fields.size === MAX_TEXTS) throw new GatewayError(unknownParameter(name))
        fields.set(name, fieldValue(name, value))
        continue
      }
      const ordinal = pictures.length
      if (ordinal === MAX_BODY_PICTURES) throw new GatewayError(tooManyImagesInBody(name))
      if (ordinal === 0) check(Object.fromEntries(fields))
      pictures.push({ input: await intake.pictures.read(bytes, { number: ordinal + 1, param: name }) })
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

/** Reads the text of a field. Throws GatewayError. */
async function readField(name: string, bytes: Bytes, maxBytes: number): Promise<string> {
  const text = checkedUtf8(capped(bytes, maxBytes, () => new GatewayError(fieldTooLong(name))))
  try {
    return await readText(text)
  } catch (error) {
    throw error instanceof NotUtf8 ? new GatewayError(notUtf8(name), { cause: error }) : error
  }
}

/** The API reads numbers and booleans out of the texts of a form. */
function fieldValue(name: string, value: string): unknown {
  if (name === 'stream' && (value === 'true' || value === 'false')) return value === 'true'
  const isDecimal = DECIMAL_FIELDS.includes(name)
  if (!isDecimal && !INTEGER_FIELDS.includes(name)) return value
  if ((isDecimal ? /^-?\d{1,15}(?:\.\d{1,15})?$/ : /^-?\d{1,15}$/).test(value)) return Number(value)
  const expected = isDecimal ? 'a number' : 'an integer'
  throw new GatewayError(invalidType(name, expected, `a string value that could not be converted into ${expected}`))
}

const unreadableForm = (why: string): Failure => ({
  code: 'invalid_request',
  message: `We could not read your request: ${why}. Let your HTTP client set the content-type header with its boundary.`,
})

const tooManyImagesInBody = (param: string): Failure => ({
  code: 'invalid_request',
  message: "Invalid 'images': array too long. Expected an array with maximum length 16.",
  param,
  reason: 'array_above_max_length',
})

const fieldTooLong = (param: string): Failure => ({
  code: 'invalid_request',
  message: `Invalid '${param}': string too long.`,
  param,
  reason: 'string_above_max_length',
})
