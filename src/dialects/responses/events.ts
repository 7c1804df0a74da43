import type { Failure } from '../../runtime/errors'
import type { ImageRecord } from '../../image/record'
import type { ImageRequest } from '../../image/request'
import type { AnswerPart, AnswerStream } from '../dialect'
import type { RenderContext } from '../render-context'
import { facts } from '../openai/answer'
import { errorOf } from '../openai/error'
import { CALL, callOf, headOf, pictureIn, responseOf, withPicture } from './answer'
import { type AnswerIds, answerIds } from './pictures'
import type { ResponsesAnswerOptions } from './request'
import { responsesVocabulary } from './vocabulary'

type Event = [type: string, fields: Record<string, unknown>]

/** Events in the form of the API (protocols §2.3), numbered from `first`. */
const written = (events: readonly Event[], first: number, json: (value: unknown) => string = JSON.stringify): string =>
  events
    .map(([type, fields], at) => `event: ${type}\ndata: ${json({ type, sequence_number: first + at, ...fields })}\n\n`)
    .join('')

/** The events before a preview or a result. */
function beginning({ call, response }: AnswerIds, options: ResponsesAnswerOptions, context: RenderContext): Event[] {
  const begun = { response: { ...headOf(response, { status: 'in_progress' }, options, context), output: [] } }
  const item = { id: call, type: CALL, status: 'in_progress', result: null }
  return [
    ['response.created', begun],
    ['response.in_progress', begun],
    ['response.output_item.added', { output_index: 0, item }],
    [`response.${CALL}.in_progress`, { output_index: 0, item_id: call }],
    [`response.${CALL}.generating`, { output_index: 0, item_id: call }],
  ]
}

const ending = (
  names: AnswerIds,
  record: ImageRecord,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): Event[] => [
  [`response.${CALL}.completed`, { output_index: 0, item_id: names.call }],
  ['response.output_item.done', { output_index: 0, item: callOf(names, record) }],
  ['response.completed', { response: responseOf(names, record, options, context) }],
]

/** Clients read one event or the other, so the API sends both. */
function failing(names: AnswerIds, failure: Failure, options: ResponsesAnswerOptions, context: RenderContext): Event[] {
  const error = errorOf(failure, context.requestId, responsesVocabulary(options))
  const { code, message, param } = error
  const stands = { status: 'failed', error: { code: code ?? 'server_error', message } }
  const item = { id: names.call, type: CALL, status: 'failed', result: null, error }
  return [
    ['error', { code, message, param, error }],
    ['response.failed', { response: { ...headOf(names.response, stands, options, context), output: [item] } }],
  ]
}

/** Renders the parts as they are sent: previews sent before them take sequence numbers too. */
const asSent = (word: () => AnswerPart[]): AnswerPart[] =>
  word().map((part, at) => {
    if (typeof part !== 'string') return part
    return () => {
      const text = word()[at]
      return typeof text === 'string' ? text : part
    }
  })

/** An answer as events; the ids come from the picture if it exists at the beginning. */
export function streamResponse(
  request: ImageRequest,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): AnswerStream {
  let names = answerIds(context.reference())
  let isBegun = false
  let next = beginning(names, options, context).length
  return {
    contentType: 'text/event-stream',
    opening: () => {
      isBegun = true
      return written(beginning(names, options, context), 0)
    },
    idle: () => ': still working\n\n',
    partial: ({ image, partial }) => {
      const fields = { output_index: 0, item_id: names.call, partial_image_b64: image, partial_image_index: partial }
      const event: Event = [`response.${CALL}.partial_image`, { ...fields, ...facts(request) }]
      return withPicture(image, (json) => written([event], next++, json))
    },
    close: (record) => {
      const picture = pictureIn(record)
      if (!isBegun) names = answerIds(context.reference(picture.key))
      return asSent(() => withPicture(picture, (json) => written(ending(names, record, options, context), next, json)))
    },
    failure: (failure) => written(failing(names, failure, options, context), next),
  }
}
