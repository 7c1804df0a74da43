import * as z from 'zod'
import { GatewayError } from './errors'
import type { Refusal } from './refusal'
import { refusing } from './refuse'

/** The order of OpenAI's checks (protocols §1.7); other parameters come last. */
const CHECK_ORDER = ['model', '', 'prompt', 'images', 'image', 'mask', 'n']

const NUMBER_ERROR = 'a number'

/** A number with or without decimals. */
export const decimal = z.number({ error: NUMBER_ERROR })

/** Checks a body against its schema. Throws GatewayError for the fault that OpenAI names first. */
export function checked<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const { data, error } = schema.safeParse(body, { reportInput: true })
  if (!error) return data
  const rank = ({ path }: { path: PropertyKey[] }): number => {
    const place = CHECK_ORDER.indexOf(String(path[0] ?? ''))
    return place === -1 ? CHECK_ORDER.length : place
  }
  const [first] = error.issues.toSorted((a, b) => rank(a) - rank(b))
  throw new GatewayError(refusing(first ? refusalOf(first) : { reason: 'missing', field: 'prompt' }))
}

/** A path in OpenAI's form: `images[0].image_url`. */
export const parameterPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (before, key) => before + (typeof key === 'number' ? `[${key}]` : `${before && '.'}${String(key)}`),
    '',
  )

type Issue = z.core.$ZodIssue

function refusalOf(issue: Issue): Refusal {
  const param = parameterPath(issue.path)
  const { input } = issue
  if (input === undefined && issue.code !== 'unrecognized_keys') return { reason: 'missing', field: { param } }
  switch (issue.code) {
    case 'unrecognized_keys':
      return { reason: 'unknown_parameter', field: { param: parameterPath([...issue.path, issue.keys[0] ?? '']) } }
    case 'invalid_type':
      return {
        reason: 'invalid_type',
        field: { param: param || 'body' },
        expected: expectedBy(issue),
        given: typeInWords(input),
      }
    case 'invalid_value': {
      const given = typeof input === 'string' ? input : typeInWords(input)
      return { reason: 'invalid_value', field: { param }, given, allowed: issue.values.map(String) }
    }
    case 'too_small':
      return typeof input === 'number'
        ? { reason: 'below_minimum', field: { param }, given: input, minimum: Number(issue.minimum) }
        : { reason: 'empty', field: { param }, kind: lengthKind(input) }
    case 'too_big':
      return typeof input === 'number'
        ? { reason: 'above_maximum', field: { param }, given: input, maximum: Number(issue.maximum) }
        : { reason: 'too_long', field: { param }, kind: lengthKind(input), maximum: Number(issue.maximum) }
    default:
      return { reason: 'malformed', field: { param }, expected: issue.message }
  }
}

const lengthKind = (input: unknown): 'array' | 'string' => (Array.isArray(input) ? 'array' : 'string')

const expectedBy = ({ expected, message }: z.core.$ZodIssueInvalidType): string =>
  message === NUMBER_ERROR ? NUMBER_ERROR : (TYPE_NAMES[expected] ?? expected)

/** OpenAI's names of types; a number is an integer unless the schema is `decimal`. */
const TYPE_NAMES: Record<string, string> = {
  string: 'a string',
  number: 'an integer',
  int: 'an integer',
  boolean: 'a boolean',
  array: 'an array',
  object: 'an object',
}

function typeInWords(input: unknown): string {
  if (input === null) return 'null'
  if (Array.isArray(input)) return 'an array'
  if (Number.isNaN(input)) return 'a string'
  if (typeof input === 'number') return Number.isInteger(input) ? 'an integer' : 'a decimal number'
  return typeof input === 'object' ? 'an object' : `a ${typeof input}`
}
