import gateway, * as near from '../../../../src/index.ts'
import { far } from './bindings.ts'
import { changeDistance, type Distance, isStepped, noteAnswer, stepAwaits } from './distance.ts'

const DISTANCES: readonly Distance[] = ['near', 'timed', 'stepped']

export class Team extends near.Team {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, far(env))
  }
}

export class Account extends near.Account {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, far(env))
  }
}

export class Directory extends near.Directory {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, far(env))
  }
}

export class Generation extends near.Generation {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, far(env))
  }
}

const realFetch = globalThis.fetch

/** A step waits for the whole answer of an upstream. */
globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
  if (!isStepped()) return await realFetch(input, init)
  return await stepAwaits(async () => {
    const response = await realFetch(input, init)
    return new Response(await response.arrayBuffer(), response)
  })
}

/** The time at which the clock is stopped, in ms since 1970; undefined for a running clock. */
let stoppedMs: number | undefined
const realNow = Date.now.bind(Date)
Date.now = () => stoppedMs ?? realNow()

/**
 * The gateway with distant objects and stores. `/__distance?is=` sets their distance and returns the journal.
 * `/__clock?is=` stops its clock, or has it run. A request with `x-joined` is asked twice at once, and gets the answer
 * that joined.
 */
export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/__distance') {
      const next = DISTANCES.find((distance) => distance === searchParams.get('is'))
      return next ? Response.json(await changeDistance(next)) : new Response(null, { status: 400 })
    }
    if (pathname === '/__clock') {
      stoppedMs = searchParams.get('is') === 'stopped' ? realNow() : undefined
      return new Response()
    }
    const ask = async (): Promise<Response> => await gateway.fetch(request.clone(), far(env), ctx)
    const answers = await Promise.all(request.headers.has('x-joined') ? [ask(), ask()] : [ask()])
    const [answer = Response.error()] = answers.toSorted((a, b) => Number(isJoined(b)) - Number(isJoined(a)))
    return isStepped() ? noted(answer) : answer
  },
} satisfies ExportedHandler<Env>

const isJoined = ({ headers }: Response): boolean => headers.get('x-cache') === 'JOINED'

/** The same answer, with its end noted. */
function noted(answer: Response): Response {
  if (answer.body) return new Response(answer.body.pipeThrough(new TransformStream({ flush: noteAnswer })), answer)
  noteAnswer()
  return answer
}
