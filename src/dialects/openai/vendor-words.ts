import type { Adjustment } from '../../catalog/fit'
import { shapeText } from '../../catalog/shapes'
import { GatewayError } from '../../failures/errors'
import { invalidParameter, unknownParameter } from '../../failures/parameters'

/*
 * Parameters that other makers add to OpenAI's Images API (protocols §6.6, §6.7, §6.9), with a counterpart here.
 */

type Fields = Record<string, unknown>

/** Turns the words of other makers into those of OpenAI's API, in place. Throws GatewayError. */
export const adoptVendorWords = (fields: Fields): Adjustment[] => [
  ...adoptShape(fields),
  ...adoptEdges(fields),
  ...adoptSequence(fields),
  ...adoptIdleWords(fields),
]

/** xAI's ratio and resolution. */
function adoptShape(fields: Fields): Adjustment[] {
  const [ratio, resolution] = [textIn(fields, 'aspect_ratio'), textIn(fields, 'resolution')]
  const names = ['aspect_ratio', 'resolution'].filter((name) => textIn(fields, name) !== undefined)
  return asSize(fields, names, shapeText({ ratio, resolution: resolution?.toUpperCase() }))
}

/** Together's edges in pixels. */
function adoptEdges(fields: Fields): Adjustment[] {
  const { width, height } = fields
  const isSize = typeof width === 'number' && typeof height === 'number'
  return isSize ? asSize(fields, ['width', 'height'], `${width}x${height}`) : []
}

function asSize(fields: Fields, names: readonly string[], size: string): Adjustment[] {
  const [first] = names
  if (first === undefined) return []
  if (fields['size'] !== undefined && fields['size'] !== null)
    throw new GatewayError(invalidParameter(first, `Send either 'size' or '${names.join("' and '")}'.`))
  for (const name of names) delete fields[name]
  fields['size'] = size
  return names.map((name) => ({ note: `${name}>size`, refusal: unknownParameter(name) }))
}

/** Ark's series of pictures. `max_images` is its number. */
function adoptSequence(fields: Fields): Adjustment[] {
  const { sequential_image_generation: series, sequential_image_generation_options: options } = fields
  if (series === undefined && options === undefined) return []
  delete fields['sequential_image_generation']
  delete fields['sequential_image_generation_options']
  if (series !== 'auto') return []
  const most: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'max_images') : undefined
  const refusal = unknownParameter('sequential_image_generation', "Ask for several pictures by 'n'.")
  if (most === undefined || fields['n'] !== undefined) throw new GatewayError(refusal)
  fields['n'] = most
  return [{ note: 'sequential_image_generation>n', refusal }]
}

/** Together's word for base64, and Ark's default of no watermark. */
function adoptIdleWords(fields: Fields): Adjustment[] {
  if (fields['response_format'] === 'base64') fields['response_format'] = 'b64_json'
  if (fields['watermark'] === false) delete fields['watermark']
  return []
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
