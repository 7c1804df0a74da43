import type { Snapshot } from '../../ledger/snapshot'
import type { ImageRecord } from '../../image/record'
import type { Failure } from '../../failures/errors'
import { openaiErrorObject } from '../openai/error'
import type { RenderedAnswer } from '../dialect'
import type { RenderContext } from '../render-context'
import { renderResponse, responseHead } from './answer'
import { responseError } from './failed'
import { answerIds } from './pictures'
import type { ResponsesAnswerOptions } from './request'
import { responsesVocabulary } from './vocabulary'

/** The state of a background response, and its record once the picture is made. */
export interface KeptResponse {
  snapshot: Snapshot
  record?: ImageRecord | undefined
}

const RESPONSE_STATUS = { queued: 'queued', running: 'in_progress', failed: 'failed', cancelled: 'cancelled' } as const

/** A background response in its state of today; undefined if its picture is no longer kept. */
export function renderKept(
  { snapshot, record }: KeptResponse,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): RenderedAnswer | undefined {
  if (record) return renderResponse(record, options, context)
  if (snapshot.status === 'succeeded') return undefined
  const failure = snapshot.status === 'failed' ? failureOfKept(snapshot) : undefined
  const error = failure && openaiErrorObject(failure, context.requestId, responsesVocabulary(options))
  const state = {
    status: RESPONSE_STATUS[snapshot.status],
    ...(error && failure ? { error: responseError(failure, error) } : {}),
  }
  const json = { ...responseHead(answerIds(context.reference()).response, state, options, context), output: [] }
  return { contentType: 'application/json', parts: [JSON.stringify(json)] }
}

/** The failure of a response that ended without a picture. */
export function failureOfKept({ failure }: Snapshot): Failure {
  if (failure && ('message' in failure || 'refusal' in failure)) return failure
  return { code: failure?.code ?? 'internal', message: 'The picture could not be made. Send the request again.' }
}
