import type { Failure } from '../../failures/errors'
import type { ImageRecord } from '../../image/record'
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
import { responseError } from './failed'
import type { ResponsesAnswerOptions } from './request'
import { responsesVocabulary } from './vocabulary'

type Event = [type: string, fields: Record<string, unknown>]

/** Writes events in the form of the API (protocols §2.3), numbered from `first`; none up to the number `after`. */
const eventWriter =
  (after: number) =>
  (events: readonly Event[], first: number, json: (value: unknown) => string = JSON.stringify): string =>
    events
      .map((event, at) => ({ event, number: first + at }))
      .filter(({ number }) => number > after)
      .map(({ event: [type, fields], number }) => {
        return `event: ${type}\ndata: ${json({ type, sequence_number: number, ...fields })}\n\n`
      })
      .join('')

/** The events before a preview or a result. */
function openingEvents(
  { call, response }: AnswerIds,
  options: ResponsesAnswerOptions,
  context: RenderContext,
): Event[] {
  const begun = { response: { ...responseHead(response, { status: 'in_progress' }, options, context), output: [] } }
  const item = { id: call, type: IMAGE_CALL, status: 'in_progress' }
  const queued: Event = [
    'response.queued',
    { response: { ...responseHead(response, { status: 'queued' }, options, context), output: [] } },
  ]
  return [
    ['response.created', begun],
    ...(options.background ? [queued] : []),
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
  const status = failure.code === 'cancelled' ? 'cancelled' : 'failed'
  const state = { status, error: responseError(failure, error) }
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

/**
 * An answer as events; the ids come from the picture if it exists at the beginning. The events up to the number `after` are
 * left out.
 */
export function streamResponse(
  request: Parameters<typeof pictureFacts>[0],
  options: ResponsesAnswerOptions,
  context: RenderContext,
  after = -1,
): AnswerStream {
  const eventText = eventWriter(after)
  let names = answerIds(context.reference())
  let isBegun = false
  const first = openingEvents(names, options, context).length
  const { previews } = options.background ?? {}
  // A later stream of a background response has the same numbers, whatever previews it has seen.
  let next = first + (previews ?? 0)
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
      const number = previews === undefined ? next++ : first + Math.min(partial, previews - 1)
      return partsWithPicture(image, (json) => eventText([event], number, json))
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
