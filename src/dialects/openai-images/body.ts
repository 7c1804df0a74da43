import { duplicateParameter, invalidType, notUtf8, unknownParameter } from '../../failures/parameters'
import { type Failure, GatewayError } from '../../failures/errors'
import { type Bytes, capped, peek, readText } from '../../streams/bytes'
import type { Path } from '../../streams/json'
import { type FormPart, MalformedForm, MultipartStream } from '../../streams/multipart'
import { checkedUtf8, NotUtf8, withoutByteOrderMark } from '../../streams/utf8'
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
  'num_inference_steps',
  'width',
  'height',
]
const DECIMAL_FIELDS = ['guidance', 'guidance_scale', 'strength']
const FLAG_FIELDS = ['stream', 'watermark']

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

/** A form as it is read. */
interface FormFields {
  /** The names of all fields but lists of pictures, with blank ones. */
  names: Set<string>
  fields: Map<string, unknown>
  images: { place: number; ordinal: number }[]
  pictures: BodyPicture[]
  textBytes: number
}

/**
 * Reads a multipart body and its files as they pass. `isText` knows the names of texts, so that a file of another name
 * is refused unread. Throws GatewayError.
 */
export async function readImagesForm(
  intake: Intake,
  boundary: string,
  isText: (name: string) => boolean,
  check: CheckFields,
): Promise<JsonBody> {
  const form: FormFields = { names: new Set(), fields: new Map(), images: [], pictures: [], textBytes: 0 }
  try {
    for await (const part of new MultipartStream(intake.body, boundary).parts()) {
      if (PICTURE_NAME.test(part.name)) await readFormPicture(part, form, intake, check)
      else if (LIKE_PICTURE.test(part.name) || (part.filename !== undefined && !isText(part.name)))
        throw new GatewayError(unknownFile(part.name))
      else await readFormText(part, form)
    }
  } catch (error) {
    if (error instanceof MalformedForm) throw new GatewayError(unreadableForm(error.message), { cause: error })
    throw error
  }
  const { fields, images, pictures } = form
  nestSvg(fields)
  const inOrder = images.toSorted((a, b) => a.place - b.place).map(({ ordinal }) => ({ image_url: String(ordinal) }))
  if (inOrder.length > 0) fields.set('images', inOrder)
  return { fields: Object.fromEntries(fields), pictures }
}

/** The names of pictures, and names under which clients send some by mistake. */
const PICTURE_NAME = /^(?:image(?:\[\d*\])?|mask|markup)$/
const LIKE_PICTURE = /^(?:image|mask|markup|file|picture)s?[\d_[\].-]*$/i

const unknownFile = (name: string): Failure =>
  unknownParameter(name, /^mask/i.test(name) ? "In a form, use 'mask'." : "In a form, use 'image' or 'image[]'.")

/** Reads a picture, unless its part is blank. Throws GatewayError. */
async function readFormPicture(
  { name, filename, bytes }: FormPart,
  { names, fields, images, pictures }: FormFields,
  intake: Intake,
  check: CheckFields,
): Promise<void> {
  const [list, place] = /^image(?:\[(\d*)\])?$/.exec(name) ?? []
  if (list === undefined) noteName(names, name)
  const { head, all } = await peek(bytes, 1)
  if (head.length === 0 && !filename) return
  const ordinal = pictures.length
  if (ordinal === MAX_BODY_PICTURES) throw new GatewayError(tooManyImagesInBody(name))
  if (ordinal === 0) check(Object.fromEntries(fields))
  pictures.push({ input: await intake.pictures.read(all, { number: ordinal + 1, param: name }) })
  if (list === undefined) fields.set(name, { image_url: String(ordinal) })
  else images.push({ place: place ? Number(place) : ordinal, ordinal })
}

/** Reads a text, unless it is blank. Only a prompt may be blank: it is refused as such. Throws GatewayError. */
async function readFormText({ name, bytes }: FormPart, form: FormFields): Promise<void> {
  noteName(form.names, name)
  const value = await readField(name, bytes, MAX_TEXT_BYTES - form.textBytes)
  form.textBytes += name.length + value.length
  if (form.names.size > MAX_TEXTS) throw new GatewayError(unknownParameter(name))
  if (value !== '' || name === 'prompt') form.fields.set(name, fieldValue(name, value))
}

/** Throws GatewayError for a name that came before: clients differ in the choice between two values. */
function noteName(names: Set<string>, name: string): void {
  if (names.has(name)) throw new GatewayError(duplicateParameter(name))
  names.add(name)
}

/** Reads the text of a field. Throws GatewayError. */
async function readField(name: string, bytes: Bytes, maxBytes: number): Promise<string> {
  const text = withoutByteOrderMark(checkedUtf8(capped(bytes, maxBytes, () => new GatewayError(fieldTooLong(name)))))
  try {
    return await readText(text)
  } catch (error) {
    if (error instanceof NotUtf8) throw new GatewayError(notUtf8(name), { cause: error })
    if (error instanceof SyntaxError) throw new GatewayError(unreadableForm('has invalid base64'), { cause: error })
    throw error
  }
}

/** Puts the texts of `svg[model]` and `svg[reasoning][effort]` into one field, as in JSON. */
function nestSvg(fields: Map<string, unknown>): void {
  const [model, effort] = ['svg[model]', 'svg[reasoning][effort]'].map((name) => fields.get(name))
  if (model === undefined && effort === undefined) return
  fields.set('svg', {
    ...(model === undefined ? {} : { model }),
    ...(effort === undefined ? {} : { reasoning: { effort } }),
  })
  fields.delete('svg[model]')
  fields.delete('svg[reasoning][effort]')
}

/** The API reads numbers and booleans out of the texts of a form. */
function fieldValue(name: string, value: string): unknown {
  if (FLAG_FIELDS.includes(name) && (value === 'true' || value === 'false')) return value === 'true'
  const isDecimal = DECIMAL_FIELDS.includes(name)
  if (!isDecimal && !INTEGER_FIELDS.includes(name)) return value
  if ((isDecimal ? /^-?\d{1,15}(?:\.\d{1,15})?$/ : /^-?\d{1,15}$/).test(value)) return Number(value)
  const expected = isDecimal ? 'a number' : 'an integer'
  throw new GatewayError(invalidType(name, expected, `a string value that could not be converted into ${expected}`))
}

/** The refusal of a form without a boundary in its content type. */
export const NO_BOUNDARY: Failure = {
  code: 'invalid_request',
  message:
    "The content-type 'multipart/form-data' lacks its boundary. Leave that header out, so that your HTTP client sets it with the boundary.",
  reason: 'unsupported_content_type',
}

const unreadableForm = (why: string): Failure => ({
  code: 'invalid_request',
  message: `We could not read your request: ${why}. Let your HTTP client build the form, and set the content-type header with its boundary.`,
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
