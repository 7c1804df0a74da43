import { openaiErrorObject } from '../openai/error'
import type { KeptAnswers } from '../kept-answer'
import { renderResponse, responseHead } from './answer'
import { streamResponse } from './events'
import { responseError } from './failed'
import { answerIds, referenceOfResponse } from './pictures'
import { type ResponsesAnswerOptions, responsesAnswerOptions } from './request'
import { responsesVocabulary } from './vocabulary'

const MAX_SHOWN_ID = 100

/** Background responses by their ids. */
export const keptResponses: KeptAnswers<ResponsesAnswerOptions> = {
  options: responsesAnswerOptions,
  referenceOf: referenceOfResponse,
  lastEvent: 'starting_after',
  render: renderResponse,
  renderStatus: (status, failure, options, context) => {
    const error = failure && openaiErrorObject(failure, context.requestId, responsesVocabulary(options))
    const state = { status, ...(error && failure ? { error: responseError(failure, error) } : {}) }
    return { ...responseHead(answerIds(context.reference()).response, state, options, context), output: [] }
  },
  stream: ({ size, quality }, options, context, after) => streamResponse({ size, quality }, options, context, after),
  previews: ({ background }) => background?.previews ?? 0,
  deleted: (id) => ({ id, object: 'response', deleted: true }),
  // The words of the API, with the rule of this gateway.
  unknown: (id) => ({
    code: 'not_found',
    message: `Response with id '${id.slice(0, MAX_SHOWN_ID)}' not found. Those with 'background': true and a picture are kept for a day, no others.`,
  }),
  gone: {
    code: 'not_found',
    message: 'The picture of this response is no longer kept. Send the request again to have it made.',
  },
  stillRunning: {
    code: 'conflict',
    message: 'This response has not ended. Cancel it with POST /v1/responses/{id}/cancel, or delete it when it has.',
    retryAfterMs: 5000,
  },
}
