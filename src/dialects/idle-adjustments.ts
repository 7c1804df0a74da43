import type { Adjustment } from '../catalog/fit'
import { refusing } from '../failures/refuse'
import { isObject } from './json-body'

/**
 * Reports parameters of text models that an image ignores. `defaults` holds their defaults, which many clients send
 * unasked.
 */
export const idleAdjustments = (
  fields: Record<string, unknown>,
  defaults: Readonly<Record<string, unknown>>,
): Adjustment[] =>
  Object.entries(fields)
    .filter(([name, value]) => Object.hasOwn(defaults, name) && asksForSomething(value, defaults[name]))
    .map(([name]) => ({ note: name, refusal: refusing({ reason: 'no_effect', field: { param: name } }) }))

/** Whether a value differs from a parameter that is left out; `defaultValue` is the default. */
export function asksForSomething(value: unknown, defaultValue?: unknown): boolean {
  if (value === undefined || value === null || value === defaultValue || value === 'none') return false
  return Array.isArray(value) ? value.length > 0 : !isObject(value) || Object.keys(value).length > 0
}
