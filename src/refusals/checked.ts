import * as z from 'zod'
import { aboveMaximum, belowMinimum, invalidType, invalidValue, missingParameter, unknownParameter } from './refusals'
import { type Failure, GatewayError } from '../runtime/errors'

/** The order in which OpenAI looks at a request's parameters (protocols §1.7); the rest come after. */
const ORDER = ['model', '', 'prompt', 'images', 'image', 'mask', 'n']

const A_NUMBER = 'a number'

/** A number that need not be whole. */
export const decimal = z.number({ error: A_NUMBER })

/** Checks a body against its schema. Throws GatewayError for the fault that OpenAI would name first. */
export function checked<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const { data, error } = schema.safeParse(body, { reportInput: true })
  if (!error) return data
  const rank = ({ path }: { path: PropertyKey[] }): number => {
    const place = ORDER.indexOf(String(path[0] ?? ''))
    return place === -1 ? ORDER.length : place
  }
  const [first] = error.issues.toSorted((a, b) => rank(a) - rank(b))
  throw new GatewayError(first ? failureOf(first) : missingParameter('prompt'))
}

/** A path as OpenAI writes it: `images[0].image_url`. */
export const parameterOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (before, key) => before + (typeof key === 'number' ? `[${key}]` : `${before && '.'}${String(key)}`),
    '',
  )

type Issue = z.core.$ZodIssue

function failureOf(issue: Issue): Failure {
  const param = parameterOf(issue.path)
  const { input } = issue
  if (input === undefined && issue.code !== 'unrecognized_keys') return missingParameter(param)
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownParameter(param ? `${param}.${issue.keys[0]}` : String(issue.keys[0]))
    case 'invalid_type':
      return invalidType(param || 'body', expectedBy(issue), described(input))
    case 'invalid_value':
      return invalidValue(param, typeof input === 'string' ? input : described(input), issue.values.map(String))
    case 'too_small':
      return tooSmall(param, input, Number(issue.minimum))
    case 'too_big':
      return tooBig(param, input, Number(issue.maximum))
    default:
      return {
        code: 'invalid_request',
        message: `Invalid value for '${param}'. ${issue.message}`,
        param,
        reason: 'invalid_value',
      }
  }
}

function tooSmall(param: string, input: unknown, minimum: number): Failure {
  if (typeof input === 'number') return belowMinimum(param, input, minimum)
  const [what, reason] = Array.isArray(input) ? ['array', 'empty_array'] : ['string', 'empty_string']
  return {
    code: 'invalid_request',
    message: `Invalid '${param}': empty ${what}. Expected at least one ${what === 'array' ? 'element' : 'character'}.`,
    param,
    reason,
  }
}

function tooBig(param: string, input: unknown, maximum: number): Failure {
  if (typeof input === 'number') return aboveMaximum(param, input, maximum)
  const what = Array.isArray(input) ? 'array' : 'string'
  const message = `Invalid '${param}': ${what} too long. Expected a maximum length of ${maximum}.`
  return { code: 'invalid_request', message, param, reason: `${what}_above_max_length` }
}

const expectedBy = ({ expected, message }: z.core.$ZodIssueInvalidType): string =>
  message === A_NUMBER ? A_NUMBER : (EXPECTED[expected] ?? expected)

/** The API has no numbers but whole ones, unless it is said otherwise. */
const EXPECTED: Record<string, string> = {
  string: 'a string',
  number: 'an integer',
  int: 'an integer',
  boolean: 'a boolean',
  array: 'an array',
  object: 'an object',
}

function described(input: unknown): string {
  if (input === null) return 'null'
  if (Array.isArray(input)) return 'an array'
  if (Number.isNaN(input)) return 'a string'
  if (typeof input === 'number') return Number.isInteger(input) ? 'an integer' : 'a decimal number'
  return typeof input === 'object' ? 'an object' : `a ${typeof input}`
}
