import { isDistant, reach } from './distance.ts'

const farEnvs = new WeakMap<Env, Env>()

/** The environment with its distant bindings; the same one each time, since the gateway caches by it. */
export function far(env: Env): Env {
  const known = farEnvs.get(env)
  if (known) return known
  const copy = { ...env }
  for (const [name, binding] of Object.entries(env))
    if (isDistant(name))
      Reflect.set(copy, name, 'idFromName' in binding ? farObjects(binding, name) : farCalls(binding, name))
  farEnvs.set(env, copy)
  return copy
}

/** A namespace with distant objects. */
const farObjects = (namespace: object, name: string): object =>
  withMethods(namespace, (property, call) => {
    const result = call()
    return ['get', 'getByName'].includes(property) ? farCalls(Object(result), name) : result
  })

/** A store or an object with distant methods. Later calls of their results, such as parts of an upload, are near. */
const farCalls = (target: object, name: string): object =>
  withMethods(target, (property, call) =>
    property === 'resumeMultipartUpload' ? call() : reach(name, property, async () => await call()),
  )

/** An object with methods that run through a function. */
function withMethods(object: object, run: (property: string, call: () => unknown) => unknown): object {
  return new Proxy(object, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target)
      if (typeof member !== 'function' || typeof property === 'symbol') return member
      return (...args: unknown[]): unknown => run(property, () => Reflect.apply(member, target, args))
    },
  })
}
