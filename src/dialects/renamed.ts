import type { Failure } from '../runtime/errors'

/**
 * A failure that names its parameter as the dialect does. Rules of models and limits call parameters as OpenAI's images
 * API does; `names` has what the dialect calls them, by that.
 */
export function renamed(failure: Failure, names: Readonly<Record<string, string>>): Failure {
  const { param, message } = failure
  // A caller's own parameter may be called as what every object has, such as `constructor`.
  const own = param !== undefined && Object.hasOwn(names, param) ? names[param] : undefined
  return own === undefined ? failure : { ...failure, param: own, message: message.replaceAll(`'${param}'`, `'${own}'`) }
}
