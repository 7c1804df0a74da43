import type { Failure } from './errors'
import { refusing } from './refuse'

/*
 * Refusals of a parameter, by the client's name, for dialects that read it.
 */

export const missingParameter = (param: string): Failure => refusing({ reason: 'missing', field: { param } })

/** `hint` says what to send instead. */
export const unknownParameter = (param: string, hint = ''): Failure =>
  refusing({ reason: 'unknown_parameter', field: { param }, ...(hint && { hint }) })

export const invalidType = (param: string, expected: string, given: string): Failure =>
  refusing({ reason: 'invalid_type', field: { param }, expected, given })

export const duplicateParameter = (param: string): Failure =>
  invalidParameter(param, `The body has '${param}' twice. Send it once.`)

/** `param` is empty for bytes outside of any parameter. */
export const notUtf8 = (param: string): Failure => ({
  code: 'invalid_request',
  message: `${param ? `Invalid '${param}': it is` : 'The body is'} not UTF-8. Encode the body of your request as UTF-8 and send it again.`,
  ...(param && { param }),
  reason: 'invalid_value',
})

export const invalidValue = (param: string, given: string, allowed: readonly string[]): Failure =>
  refusing({ reason: 'invalid_value', field: { param }, given, allowed: [...allowed] })

export const tooManyImages = (param: string, maximum: number): Failure =>
  refusing({ reason: 'too_many_images', field: { param }, maximum })

/** For a rule of one dialect, or of the gateway's own parameters; `message` says what to do. */
export const invalidParameter = (param: string, message: string): Failure => ({
  code: 'invalid_request',
  message,
  param,
  reason: 'invalid_value',
})
