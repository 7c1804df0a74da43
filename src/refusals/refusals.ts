import type { Failure } from '../runtime/errors'

/*
 * The sentences with which OpenAI's image API refuses a parameter, as measured (protocols §1.7): clients already know how
 * to read them. `unsupported_parameter` is what the model cannot do; `invalid_request` is what nobody could.
 */

export const unknownModel = (model: string): Failure => ({
  code: 'unsupported_parameter',
  message: `The model '${shown(model)}' does not exist.`,
  param: 'model',
  reason: 'invalid_value',
})

export const unknownParameter = (param: string, hint = ''): Failure => ({
  code: 'invalid_request',
  message: `Unknown parameter: '${shown(param)}'.${hint && ` ${hint}`}`,
  param,
  reason: hint ? 'invalid_value' : 'unknown_parameter',
})

export const missingParameter = (param: string): Failure => ({
  code: 'invalid_request',
  message: `Missing required parameter: '${param}'.`,
  param,
  reason: 'missing_required_parameter',
})

export const invalidType = (param: string, expected: string, got: string): Failure => ({
  code: 'invalid_request',
  message: `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`,
  param,
  reason: 'invalid_type',
})

export const invalidValue = (param: string, value: string, supported: readonly string[]): Failure => ({
  code: 'invalid_request',
  message: `Invalid value: '${shown(value)}'. Supported values are: ${list(supported)}.`,
  param,
  reason: 'invalid_value',
})

export const belowMinimum = (param: string, value: number, minimum: number): Failure => ({
  code: 'invalid_request',
  message: `Invalid '${param}': ${kindOf(value)} below minimum value. Expected a value >= ${minimum}, but got ${value} instead.`,
  param,
  reason: `${kindOf(value)}_below_min_value`,
})

export const aboveMaximum = (param: string, value: number, maximum: number): Failure => ({
  code: 'invalid_request',
  message: `Invalid '${param}': ${kindOf(value)} above maximum value. Expected a value <= ${maximum}, but got ${value} instead.`,
  param,
  reason: `${kindOf(value)}_above_max_value`,
})

export const invalidSize = (size: string, why: string): Failure => ({
  code: 'unsupported_parameter',
  message: `Invalid size '${size}'. ${why}`,
  param: 'size',
  reason: 'invalid_value',
})

export const noTransparency = (): Failure => ({
  code: 'unsupported_parameter',
  message: 'Transparent background is not supported for this model.',
  param: 'background',
  reason: 'invalid_value',
})

export const tooManyInputs = (most: number): Failure => ({
  code: 'unsupported_parameter',
  message: most === 0 ? 'This model takes no input images.' : `This model takes at most ${most} input images.`,
  param: 'images',
  reason: 'array_above_max_length',
})

/** `position` counts the request's images from 1. */
export const invalidImage = (position: number, param: string): Failure => ({
  code: 'invalid_request',
  message: `Invalid image file or mode for image ${position}, please check your image file.`,
  param,
  reason: 'invalid_image_file',
})

/** For rules that have no measured sentence; `message` says what to do. */
export const notTogether = (param: string, message: string): Failure => ({
  code: 'invalid_request',
  message,
  param,
  reason: 'invalid_value',
})

const kindOf = (value: number): string => (Number.isInteger(value) ? 'integer' : 'decimal')

/** What a caller sent is repeated, but not at any length. */
const shown = (given: string): string => (given.length > 100 ? `${given.slice(0, 100)}…` : given)

/** `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`: the serial comma comes with the third, as measured. */
function list(values: readonly string[]): string {
  const quoted = values.map((value) => `'${value}'`)
  const last = quoted.pop() ?? ''
  if (quoted.length === 0) return last
  return `${quoted.join(', ')}${quoted.length > 1 ? ',' : ''} and ${last}`
}
