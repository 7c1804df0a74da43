import { type ErrorCode, type Failure, failed, ok, type Result } from '../failures/errors'
import { DeadlineExceeded, repeat, withDeadline } from '../runtime/deadline'
import { CANCELLED, FAILED } from '../generation/failures'
import { log } from '../runtime/log'
import { ProviderError, type Spent, type TextAnswer, type TextRequest } from '../providers/provider'
import type { ServedBy } from '../ledger/entry'
import type { Candidate } from '../upstreams/candidates'
import { Route } from '../upstreams/route'
import type { Slot } from '../upstreams/slot-client'
import type { TextPlan } from './plan'

/** An answer that has started, and its candidate. */
export interface StartedAnswer {
  answer: TextAnswer
  candidate: Candidate
}

/** A call without an answer that its upstream may bill, and the reported charge. */
export interface LostCall {
  candidate: Candidate
  spent?: Spent | undefined
}

/** The result of all attempts. */
export interface TextAttempts {
  started: Result<StartedAnswer>
  /** An error other than a failure of an upstream. It ends the attempts. */
  unforeseen?: { error: unknown }
  /** The number of attempts. */
  attempts: number
  servedBy: ServedBy
  /** The calls without an answer that may be billed. */
  losses: readonly LostCall[]
  /** Frees the slot after the answer ended or broke off. Returns the steps of the route. */
  finish: (isBroken: boolean) => Promise<string>
}

/** The route has time for so many attempts that use up their time-out. */
const TIMED_OUT_ATTEMPTS = 2

const longestTimeoutMs = (candidates: readonly Candidate[]): number =>
  Math.max(...candidates.map(({ upstream }) => upstream.timeoutMs))

interface AttemptOptions {
  accounts: Env['ACCOUNTS']
  requestId: string
  /** The payer. */
  team: string
  /** The longest wait for busy accounts, in ms. */
  patienceMs: number
  /** Called before an upstream is asked. */
  onAsk: () => void
}

/** The part of the result that each attempt changes. */
interface Tried {
  attempts: number
  servedBy: ServedBy
  losses: LostCall[]
}

/** Tries one upstream after the other until an answer starts, or `cancel` is aborted. */
export async function tryInTurn(
  { candidates, requestFor }: Pick<TextPlan, 'candidates' | 'requestFor'>,
  options: AttemptOptions,
  cancel: AbortSignal,
): Promise<TextAttempts> {
  const tried: Tried = { attempts: 0, servedBy: unanswered(candidates[0]), losses: [] }
  const route = textRoute(candidates, options, cancel, tried)
  const endedAs = (
    started: TextAttempts['started'],
    finish: TextAttempts['finish'] = async () => route.steps,
  ): TextAttempts => ({ ...tried, started, finish })
  try {
    const made = await route.inTurn(async ({ candidate }) => {
      tried.attempts += 1
      tried.servedBy = unanswered(candidate)
      const request = await requestFor(candidate)
      options.onAsk()
      const answer = await startAnswer(candidate, request, cancel).catch((error: unknown) => {
        throw noteLoss(tried, candidate, error)
      })
      recordIds(tried, answer)
      return { answer, candidate }
    })
    if (made.is === 'answered') return endedAs(ok(made.value), keepSlot(route, made.slot))
    return endedAs(failed(made.is === 'failed' ? textFailure(made.failure) : CANCELLED))
  } catch (error) {
    if (cancel.aborted) return endedAs(failed(CANCELLED))
    // The calls before it are billed all the same.
    return { ...endedAs(failed(FAILED)), unforeseen: { error } }
  }
}

function textRoute(
  candidates: readonly Candidate[],
  { accounts, requestId, team, patienceMs }: AttemptOptions,
  cancel: AbortSignal,
  tried: Tried,
): Route<Candidate> {
  return new Route<Candidate>({
    accounts,
    candidates,
    source: { payer: team, request: requestId },
    id: requestId,
    untilMs: Date.now() + patienceMs + TIMED_OUT_ATTEMPTS * longestTimeoutMs(candidates),
    patienceMs,
    cancel,
    onFailure: (candidate, error) => {
      recordIds(tried, error.facts)
      logFailure(requestId, candidate, error)
    },
  })
}

/** Keeps the slot of an answer until the returned function is called. */
function keepSlot(route: Route<Candidate>, slot: Slot<Candidate>): TextAttempts['finish'] {
  const stop = repeat(slot.candidate.upstream.timeoutMs / 2, () => route.keep(slot))
  return async (isBroken) => {
    await stop()
    await (isBroken ? route.broken(slot) : route.served(slot))
    return route.steps
  }
}

/** Notes a call that may be billed: a lost or cancelled one, or one with a reported charge. Returns the error. */
function noteLoss({ losses }: Tried, candidate: Candidate, error: unknown): unknown {
  const told = error instanceof ProviderError ? error : undefined
  if (!told || told.kind === 'lost' || told.facts.spent) losses.push({ candidate, spent: told?.facts.spent })
  return error
}

/** The upstream of an attempt before its answer. */
const unanswered = ({ upstream: { name, account }, model }: Candidate): ServedBy => ({ name, account, model })

/** Ids that an upstream gives in answers and in failures. */
function recordIds(tried: Tried, { requestId, organization }: Pick<ServedBy, 'requestId' | 'organization'>): void {
  tried.servedBy = { ...tried.servedBy, requestId, organization }
}

function logFailure(request: string, { upstream }: Candidate, { kind, message, facts }: ProviderError): void {
  const { name, account } = upstream
  const { status, requestId: upstreamRequest } = facts
  log('attempt-failed', { request, upstream: name, account, kind, message, status, upstreamRequest })
}

/** Waits until an upstream starts its answer, within its time-out. The rest of the answer has no time-out here. */
async function startAnswer({ upstream }: Candidate, request: TextRequest, cancel: AbortSignal): Promise<TextAnswer> {
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

/** Sentences in place of those about images. */
const TEXT_MESSAGES: Partial<Record<ErrorCode, string>> = {
  upstream_failed: 'The upstream failed to answer. Try again.',
  timed_out: 'The upstream did not begin to answer in time. Try again, perhaps with a stream.',
}

const textFailure = (failure: Failure): Failure =>
  'message' in failure ? { ...failure, message: TEXT_MESSAGES[failure.code] ?? failure.message } : failure
