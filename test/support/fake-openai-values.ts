import { type Refusal, type Submission, invalidRequest, isObject } from './fake-openai-request.ts'

/** Parameters with null as their default (protocols §1.1). */
const NULLABLE = ['n', 'output_compression', 'partial_images', 'quality', 'size', 'stream']

export const userError = (code: string, param: string | null, message: string): Refusal => ({
  ...invalidRequest(code, param, message),
  type: 'image_generation_user_error',
})

export const missing = (name: string): Refusal =>
  invalidRequest('missing_required_parameter', name, `Missing required parameter: '${name}'.`)

export const unknownParameter = (name: string): Refusal =>
  invalidRequest('unknown_parameter', name, `Unknown parameter: '${name}'.`)

export const invalidType = (name: string, expected: string, value: unknown): Refusal =>
  invalidRequest(
    'invalid_type',
    name,
    `Invalid type for '${name}': expected ${expected}, but got ${kindOf(value)} instead.`,
  )

export const invalidValue = (name: string, value: string, supported: readonly string[]): Refusal =>
  invalidRequest(
    'invalid_value',
    name,
    `Invalid value: '${value}'. Supported values are: ${listOf(supported.map((item) => `'${item}'`))}.`,
  )

/** The parameter's value; undefined also for a null that means the default. */
export function given({ fields }: Submission, name: string): unknown {
  const value = fields[name]
  return value === null && NULLABLE.includes(name) ? undefined : value
}

export function checkText(submission: Submission, name: string): Refusal | undefined {
  const value = given(submission, name)
  return value === undefined || typeof value === 'string' ? undefined : invalidType(name, 'a string', value)
}

/** Checks that a parameter is one of a list; without a list, that it is text. */
export function checkChoice(
  submission: Submission,
  name: string,
  supported: readonly string[] | undefined,
): Refusal | undefined {
  const value = given(submission, name)
  if (typeof value !== 'string' || !supported) return checkText(submission, name)
  return supported.includes(value) ? undefined : invalidValue(name, value, supported)
}

/** A whole number; a form sends its digits. */
export function integer(submission: Submission, name: string): number | undefined {
  const value = given(submission, name)
  if (submission.isForm && typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value)
  return typeof value === 'number' ? value : undefined
}

export function checkInteger(submission: Submission, name: string, least: number, most: number): Refusal | undefined {
  const value = given(submission, name)
  if (value === undefined) return undefined
  const number = integer(submission, name)
  if (number === undefined && submission.isForm) {
    const message = `Invalid type for '${name}': expected an integer, but got a string value that could not be converted into an integer.`
    return invalidRequest('invalid_type', name, message)
  }
  if (number === undefined || !Number.isInteger(number)) return invalidType(name, 'an integer', value)
  const bound = (code: string, word: string, sign: string, limit: number): Refusal => {
    const message = `Invalid '${name}': integer ${word} value. Expected a value ${sign} ${limit}, but got ${number} instead.`
    return invalidRequest(code, name, message)
  }
  if (number < least) return bound('integer_below_min_value', 'below minimum', '>=', least)
  if (number > most) return bound('integer_above_max_value', 'above maximum', '<=', most)
  return undefined
}

/** A form sends `true` or `false` as text. */
export function flag(submission: Submission, name: string): boolean {
  const value = given(submission, name)
  return value === true || (submission.isForm && value === 'true')
}

export function checkFlag(submission: Submission, name: string): Refusal | undefined {
  const value = given(submission, name)
  const isFlag = submission.isForm ? value === 'true' || value === 'false' : typeof value === 'boolean'
  return value === undefined || isFlag ? undefined : invalidType(name, 'a boolean', value)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (isObject(value)) return 'an object'
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal number'
  return `a ${typeof value}`
}

/** `a`, `a and b`, `a, b, and c`. */
function listOf(items: string[]): string {
  if (items.length < 3) return items.join(' and ')
  return `${items.slice(0, -1).join(', ')}, and ${items.at(-1)}`
}
