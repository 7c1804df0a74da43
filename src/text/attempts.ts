import { type ErrorCode, type Failure, failed, type Result } from '../errors'
import { DeadlineExceeded, withDeadline } from '../generation/deadline'
import { failover } from '../generation/failover'
import { CANCELLED } from '../generation/failures'
import { log } from '../log'
import { ProviderError, type TextAnswer, type TextRequest } from '../providers/provider'
import type { Served } from '../team/entry'
import type { Candidate } from '../upstreams/choose'
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
  last: Served
}

/** Asks one upstream after the other until one begins to answer, or `cancel` is aborted. */
export async function askInTurn(
  { candidates, requestFor }: Pick<Wanted, 'candidates' | 'requestFor'>,
  requestId: string,
  cancel: AbortSignal,
): Promise<Asked> {
  let attempts = 0
  let [asked] = candidates
  let last = servedBy(asked)
  try {
    const made = await failover(
      candidates,
      async (candidate) => {
        attempts += 1
        asked = candidate
        last = servedBy(candidate)
        const answer = await begin(candidate, await requestFor(candidate), cancel)
        last = { ...last, requestId: answer.requestId, organization: answer.organization }
        return { answer, candidate }
      },
      ({ upstream: { name, account } }, { kind, message, facts }) => {
        const { status, requestId: upstreamRequest, organization } = facts
        last = { ...last, requestId: upstreamRequest, organization }
        log('attempt-failed', { request: requestId, upstream: name, account, kind, message, status, upstreamRequest })
      },
    )
    return { made: made.ok ? made : failed(inWords(made.failure)), attempts, candidate: asked, last }
  } catch (error) {
    if (!cancel.aborted) throw error
    return { made: failed(CANCELLED), attempts, candidate: asked, last }
  }
}

const servedBy = ({ upstream: { name, account }, model }: Candidate): Served => ({ name, account, model })

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

const inWords = (failure: Failure): Failure => ({ ...failure, message: WORDS[failure.code] ?? failure.message })
