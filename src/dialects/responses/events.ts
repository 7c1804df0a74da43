import type { Failure } from '../../runtime/errors'
import type { ImageRecord } from '../../image/record'
import type { ImageRequest } from '../../image/request'
import type { Part, Stream } from '../dialect'
import type { RenderContext } from '../render-context'
import { facts } from '../openai/answer'
import { errorOf } from '../openai/error'
import { CALL, callOf, headOf, pictureIn, responseOf, withPicture } from './answer'
import { type Names, namesOf } from './pictures'
import { inOwnWords, type Wants } from './request'

type Event = [type: string, fields: Record<string, unknown>]

/** Events as the API writes them (protocols §2.3), numbered from `first` on. */
const written = (events: readonly Event[], first: number, json: (value: unknown) => string = JSON.stringify): string =>
  events
    .map(([type, fields], at) => `event: ${type}\ndata: ${json({ type, sequence_number: first + at, ...fields })}\n\n`)
    .join('')

/** What is told before anything can be seen. */
function beginning({ call, response }: Names, wants: Wants, occasion: RenderContext): Event[] {
  const begun = { response: { ...headOf(response, { status: 'in_progress' }, wants, occasion), output: [] } }
  const item = { id: call, type: CALL, status: 'in_progress', result: null }
  return [
    ['response.created', begun],
    ['response.in_progress', begun],
    ['response.output_item.added', { output_index: 0, item }],
    [`response.${CALL}.in_progress`, { output_index: 0, item_id: call }],
    [`response.${CALL}.generating`, { output_index: 0, item_id: call }],
  ]
}

const ending = (names: Names, record: ImageRecord, wants: Wants, occasion: RenderContext): Event[] => [
  [`response.${CALL}.completed`, { output_index: 0, item_id: names.call }],
  ['response.output_item.done', { output_index: 0, item: callOf(names, record) }],
  ['response.completed', { response: responseOf(names, record, wants, occasion) }],
]

/** Clients know either the one event or the other: the API sends both. */
function failing(names: Names, failure: Failure, wants: Wants, occasion: RenderContext): Event[] {
  const error = errorOf(inOwnWords(failure, wants), occasion.requestId)
  const { code, message, param } = error
  const stands = { status: 'failed', error: { code: code ?? 'server_error', message } }
  const item = { id: names.call, type: CALL, status: 'failed', result: null, error }
  return [
    ['error', { code, message, param, error }],
    ['response.failed', { response: { ...headOf(names.response, stands, wants, occasion), output: [item] } }],
  ]
}

/** The same parts, whose texts are made as they are sent: previews that are told until then have numbers as well. */
const asSent = (word: () => Part[]): Part[] =>
  word().map((part, at) => {
    if (typeof part !== 'string') return part
    return () => {
      const text = word()[at]
      return typeof text === 'string' ? text : part
    }
  })

/** An answer as events. It has its ids from the picture where that is there at the beginning. */
export function stream(request: ImageRequest, wants: Wants, occasion: RenderContext): Stream {
  let names = namesOf(occasion.reference())
  let isBegun = false
  let next = beginning(names, wants, occasion).length
  return {
    contentType: 'text/event-stream',
    opening: () => {
      isBegun = true
      return written(beginning(names, wants, occasion), 0)
    },
    idle: () => ': still working\n\n',
    partial: ({ image, partial }) => {
      const fields = { output_index: 0, item_id: names.call, partial_image_b64: image, partial_image_index: partial }
      const event: Event = [`response.${CALL}.partial_image`, { ...fields, ...facts(request) }]
      return withPicture(image, (json) => written([event], next++, json))
    },
    close: (record) => {
      const picture = pictureIn(record)
      if (!isBegun) names = namesOf(occasion.reference(picture.key))
      return asSent(() => withPicture(picture, (json) => written(ending(names, record, wants, occasion), next, json)))
    },
    failure: (failure) => written(failing(names, failure, wants, occasion), next),
  }
}
