import type { Adjustment } from '../catalog/fit'
import { refusing } from '../refusals/refuse'
import { isObject } from './json-body'

/**
 * Tells what a body asks of a text model, which has no say in a picture. `usual` has such parameters, by what each is where
 * it says nothing, which many clients send without being asked to.
 */
export const withoutEffect = (
  fields: Record<string, unknown>,
  usual: Readonly<Record<string, unknown>>,
): Adjustment[] =>
  Object.entries(fields)
    .filter(([name, value]) => Object.hasOwn(usual, name) && asksForSomething(value, usual[name]))
    .map(([name]) => ({ note: name, refusal: refusing({ reason: 'no_effect', field: { param: name } }) }))

/** Whether a value differs from a parameter that is left out; `usual` is the default of the parameter. */
export function asksForSomething(value: unknown, usual?: unknown): boolean {
  if (value === undefined || value === null || value === usual || value === 'none') return false
  return Array.isArray(value) ? value.length > 0 : !isObject(value) || Object.keys(value).length > 0
}
