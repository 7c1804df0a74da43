import gateway from '../../../src/index.ts'

export * from '../../../src/index.ts'

/** The calls of each binding since the last question. */
let calls: Record<string, number> = {}

const countedEnvs = new WeakMap<Env, Env>()

/** The gateway with the calls of its bindings counted; `/__calls` returns the counts and resets them. */
export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === '/__calls') {
      const said = Response.json(calls)
      calls = {}
      return said
    }
    // The gateway may cache by its environment, so it gets the same one each time.
    const countedEnv = countedEnvs.get(env) ?? countingBindings(env)
    countedEnvs.set(env, countedEnv)
    return await gateway.fetch(request, countedEnv, ctx)
  },
} satisfies ExportedHandler<Env>

function countingBindings(env: Env): Env {
  const copy = { ...env }
  for (const [name, value] of Object.entries(env)) if (isObject(value)) Reflect.set(copy, name, counting(value, name))
  return copy
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Counts the calls of a binding's methods; for a namespace of objects, the calls of the methods of its objects. */
function counting(binding: object, name: string): object {
  if ('idFromName' in binding) return wrapped(binding, (stub) => countingCalls(Object(stub), name))
  return countingCalls(binding, name)
}

function countingCalls(target: object, name: string): object {
  return wrapped(target, (result) => {
    calls[name] = (calls[name] ?? 0) + 1
    return result
  })
}

/** An object with methods that pass their results through a function. */
function wrapped(object: object, pass: (result: unknown) => unknown): object {
  return new Proxy(object, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => pass(Reflect.apply(member, target, args))
    },
  })
}
