import type { Failure } from '../../failures/errors'
import type { ImageRecord } from '../../image/record'
import type { ImageRequest } from '../../image/request'
import type { AnswerPart, AnswerStream } from '../dialect'
import type { RenderContext } from '../render-context'
import { pictureFacts } from '../openai/answer'
import { openaiErrorObject } from '../openai/error'
import {
  closingMessage,
  EMPTY_TEXT,
  IMAGE_CALL,
  imageCall,
  responseHead,
  onlyPicture,
  finishedResponse,
  partsWithPicture,
} from './answer'
import { type AnswerIds, answerIds } from './pictures'
import type { ResponsesAnswerOptions } from './request'
import { responsesVocabulary } from './vocabulary'

type Event = [type: string, fields: Record<string, unknown>]

/** Events in the form of the API (protocols §2.3), numbered from `first`. */
const eventText = (
  events: readonly Event[],
  first: number,
  json: (value: unknown) => string = JSON.stringify,
): string =>
  events
    .map(([type, fields], at) => `event: ${type}\ndata: ${json({ type, sequence_number: first + at, ...fields })}\n\n`)
    .join('')

/** The events before a preview or a result. */
function openingEvents(
  { call, response }: AnswerIds,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): Event[] {
  const begun = { response: { ...responseHead(response, { status: 'in_progress' }, options, context), output: [] } }
  const item = { id: call, type: IMAGE_CALL, status: 'in_progress' }
  return [
    ['response.created', begun],
    ['response.in_progress', begun],
    ['response.output_item.added', { output_index: 0, item }],
    [`response.${IMAGE_CALL}.in_progress`, { output_index: 0, item_id: call }],
    [`response.${IMAGE_CALL}.generating`, { output_index: 0, item_id: call }],
  ]
}

const closingEvents = (
  names: AnswerIds,
  record: ImageRecord,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): Event[] => [
  [`response.${IMAGE_CALL}.completed`, { output_index: 0, item_id: names.call }],
  ['response.output_item.done', { output_index: 0, item: imageCall(names, record) }],
  ...messageEvents(names),
  ['response.completed', { response: finishedResponse(names, record, options, context) }],
]

/** The message that ends the turn, from its beginning to its end. */
function messageEvents(names: AnswerIds): Event[] {
  const item = closingMessage(names)
  const part = { item_id: names.message, output_index: 1, content_index: 0 }
  return [
    ['response.output_item.added', { output_index: 1, item: { ...item, status: 'in_progress', content: [] } }],
    ['response.content_part.added', { ...part, part: EMPTY_TEXT }],
    ['response.output_text.done', { ...part, text: '', logprobs: [] }],
    ['response.content_part.done', { ...part, part: EMPTY_TEXT }],
    ['response.output_item.done', { output_index: 1, item }],
  ]
}

/** Clients read one event or the other, so the API sends both. */
function failureEvents(
  names: AnswerIds,
  failure: Failure,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): Event[] {
  const error = openaiErrorObject(failure, context.requestId, responsesVocabulary(options))
  const { code, message, param } = error
  const state = { status: 'failed', error: { code: code ?? 'server_error', message } }
  const item = { id: names.call, type: IMAGE_CALL, status: 'failed', result: null, error }
  return [
    ['error', { code, message, param, error }],
    ['response.failed', { response: { ...responseHead(names.response, state, options, context), output: [item] } }],
  ]
}

/** Renders the parts as they are sent: previews sent before them take sequence numbers too. */
const renderedWhenSent = (word: () => AnswerPart[]): AnswerPart[] =>
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
  let next = openingEvents(names, options, context).length
  return {
    contentType: 'text/event-stream',
    opening: () => {
      isBegun = true
      return eventText(openingEvents(names, options, context), 0)
    },
    idle: () => ': still working\n\n',
    partial: ({ image, partial }) => {
      const fields = { output_index: 0, item_id: names.call, partial_image_b64: image, partial_image_index: partial }
      const event: Event = [`response.${IMAGE_CALL}.partial_image`, { ...fields, ...pictureFacts(request) }]
      return partsWithPicture(image, (json) => eventText([event], next++, json))
    },
    close: (record) => {
      const picture = onlyPicture(record)
      if (!isBegun) names = answerIds(context.reference(picture.key))
      return renderedWhenSent(() =>
        partsWithPicture(picture, (json) => eventText(closingEvents(names, record, options, context), next, json)),
      )
    },
    failure: (failure) => eventText(failureEvents(names, failure, options, context), next),
  }
}
