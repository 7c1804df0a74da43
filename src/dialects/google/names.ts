import { GatewayError } from '../../failures/errors'
import { invalidParameter } from '../../failures/parameters'
import { isObject } from '../json-body'

/**
 * The fields by the names of the API's JSON; the API also takes protobuf's names with underscores (protocols §3.2).
 * Fields in `untouched` may hold names of the client's own.
 */
export function camelCaseFields(
  fields: Record<string, unknown>,
  untouched: readonly string[],
  path = '',
): Record<string, unknown> {
  const named = new Map<string, unknown>()
  for (const [given, value] of Object.entries(fields)) {
    const name = camelCase(given)
    if (named.has(name))
      throw new GatewayError(invalidParameter(path + name, `Send '${path}${name}' once, by one name.`))
    named.set(name, untouched.includes(name) ? value : camelCaseValue(value, untouched, `${path}${name}`))
  }
  return Object.fromEntries(named)
}

/** The name of a field in the API's JSON. */
export const camelCase = (given: string): string =>
  given.replaceAll(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase())

function camelCaseValue(value: unknown, untouched: readonly string[], path: string): unknown {
  if (Array.isArray(value)) return value.map((item, at) => camelCaseValue(item, untouched, `${path}[${at}]`))
  return isObject(value) ? camelCaseFields(value, untouched, `${path}.`) : value
}
