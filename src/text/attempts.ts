import { type ErrorCode, type Failure, failed, ok, type Result } from '../runtime/errors'
import { DeadlineExceeded, withDeadline } from '../runtime/deadline'
import { CANCELLED } from '../generation/failures'
import { log } from '../runtime/log'
import { ProviderError, type TextAnswer, type TextRequest } from '../providers/provider'
import type { ServedBy } from '../ledger/entry'
import type { Candidate } from '../upstreams/candidates'
import { Route } from '../upstreams/route'
import type { Slot } from '../upstreams/route-options'
import type { Wanted } from './wanted'

/** An answer that has begun, and who gives it. */
export interface Begun {
  answer: TextAnswer
  candidate: Candidate
}

/** What came of asking. */
export interface Asked {
  made: Result<Begun>
  /** How many upstreams were asked, which was the last, and what that said of itself. */
  attempts: number
  candidate: Candidate
  last: ServedBy
  /** Tells the account whose answer it is that this has ended, or broke off; and tells what came of all that were asked. */
  ended: (isBroken: boolean) => Promise<string>
}

/** One that took all its time to begin can be made up for by another. */
const TRIES = 2

/** Asks one upstream after the other until one begins to answer, or `cancel` is aborted. */
export async function askInTurn(
  { candidates, requestFor }: Pick<Wanted, 'candidates' | 'requestFor'>,
  { accounts, requestId, patienceMs }: { accounts: Env['ACCOUNTS']; requestId: string; patienceMs: number },
  cancel: AbortSignal,
): Promise<Asked> {
  let asked = justAsked(candidates[0])
  const hear = (said: Said): void => {
    asked = { ...asked, last: { ...asked.last, requestId: said.requestId, organization: said.organization } }
  }
  const route = new Route<Candidate>({
    accounts,
    candidates,
    id: requestId,
    untilMs: Date.now() + patienceMs + TRIES * Math.max(...candidates.map(({ upstream }) => upstream.timeoutMs)),
    patienceMs,
    cancel,
    onFailure: (candidate, error) => {
      hear(error.facts)
      logFailure(requestId, candidate, error)
    },
  })
  const facts = (): Omit<Asked, 'made'> => ({ ...asked, attempts: route.attempts, ended: async () => route.steps })
  try {
    const made = await route.inTurn(async ({ candidate }) => {
      asked = justAsked(candidate)
      const answer = await begin(candidate, await requestFor(candidate), cancel)
      hear(answer)
      return { answer, candidate }
    })
    if (!made.ok) return { ...facts(), made: failed(inWords(made.failure)) }
    const { value, slot } = made.value
    return { ...facts(), made: ok(value), ended: holdOn(route, slot) }
  } catch (error) {
    if (!cancel.aborted) throw error
    return { ...facts(), made: failed(CANCELLED) }
  }
}

/** Has the slot of an answer kept for as long as that takes; gives back what ends it. */
function holdOn(route: Route<Candidate>, slot: Slot<Candidate>): Asked['ended'] {
  let kept: Promise<void> | undefined
  const timer = setInterval(() => void (kept = route.keep(slot)), slot.candidate.upstream.timeoutMs / 2)
  return async (isBroken) => {
    clearInterval(timer)
    // What comes after the slot was given back would take it again.
    await kept
    await (isBroken ? route.broken(slot) : route.served(slot))
    return route.steps
  }
}

/** An upstream that has not answered yet. */
const justAsked = (candidate: Candidate): Pick<Asked, 'candidate' | 'last'> => {
  const { upstream, model } = candidate
  return { candidate, last: { name: upstream.name, account: upstream.account, model } }
}

/** What an upstream says of itself, whether it answers or fails. */
type Said = Pick<ServedBy, 'requestId' | 'organization'>

function logFailure(request: string, { upstream }: Candidate, { kind, message, facts }: ProviderError): void {
  const { name, account } = upstream
  const { status, requestId: upstreamRequest } = facts
  log('attempt-failed', { request, upstream: name, account, kind, message, status, upstreamRequest })
}

/** Has an upstream so long to begin its answer; how long it takes to end is for whoever reads it. */
async function begin({ upstream }: Candidate, request: TextRequest, cancel: AbortSignal): Promise<TextAnswer> {
  const { provider, timeoutMs } = upstream
  const pass = async (signal: AbortSignal): Promise<TextAnswer> => {
    const answer = await provider.pass?.(request, upstream, AbortSignal.any([signal, cancel]))
    if (!answer) throw new ProviderError('misconfigured', 'serves no text models')
    return answer
  }
  try {
    return await withDeadline(timeoutMs, pass, cancel)
  } catch (error) {
    if (!(error instanceof DeadlineExceeded)) throw error
    throw new ProviderError('lost', 'did not begin in time', { code: 'timed_out' }, { cause: error })
  }
}

/** What is said of images otherwise. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  upstream_failed: 'The upstream failed to answer. Try again.',
  timed_out: 'The upstream did not begin to answer in time. Try again, perhaps with a stream.',
}

const inWords = (failure: Failure): Failure =>
  'message' in failure ? { ...failure, message: WORDS[failure.code] ?? failure.message } : failure
