import type { Failure } from '../../failures/errors'
import type { ImageRecord } from '../../image/record'
import type { AnswerPart, AnswerStream } from '../dialect'
import type { RenderContext } from '../render-context'
import { finishedHead, imageContent, interactionHead } from './answer'
import { interactionFault } from './error'
import { interactionId } from './pictures'
import type { InteractionOptions } from './request'

/** The events of a stream in their order, which gives each its id. An error stands in the place of the picture. */
const EVENTS = ['interaction.created', 'step.start', 'step.delta', 'step.stop', 'interaction.completed'] as const
type EventName = (typeof EVENTS)[number]

/** Writes events with the ids of their places; none up to the number `after`. */
const eventWriter =
  (after: number) =>
  (name: EventName, fields: AnswerPart[], type: string = name): AnswerPart[] => {
    const number = EVENTS.indexOf(name)
    const head = `event: ${type}\ndata: {"event_type":"${type}","event_id":"${number}"`
    return number > after ? [head, ...fields, '}\n\n'] : []
  }

const interactionField = (head: Record<string, unknown>): AnswerPart[] => [`,"interaction":${JSON.stringify(head)}`]

const textOf = (parts: AnswerPart[]): string => parts.filter((part) => typeof part === 'string').join('')

/** The SDK stops here. */
const END_OF_STREAM = 'event: done\ndata: [DONE]\n\n'

/**
 * An answer as events (protocols §3.6); the id comes from the picture if it exists at the beginning. The events up to
 * the number `after` are left out.
 */
export function streamInteraction(options: InteractionOptions, context: RenderContext, after = -1): AnswerStream {
  let id = interactionId(context.reference())
  let isBegun = false
  const event = eventWriter(after)
  return {
    contentType: 'text/event-stream',
    opening: () => {
      isBegun = true
      const head = interactionHead(id, { status: 'in_progress' }, options, context)
      return textOf(event('interaction.created', interactionField(head)))
    },
    // Google's clients for Python take a comment for a broken message; all clients ignore an empty line.
    idle: () => '\n\n',
    partial: () => [],
    close: (record: ImageRecord) => {
      if (!isBegun) id = interactionId(context.reference(record.images[0]?.key))
      return [
        ...event('step.start', [',"index":0,"step":{"type":"model_output","content":[]}']),
        ...record.images.flatMap((image) =>
          event('step.delta', [',"index":0,"delta":', ...imageContent(image, options, context)]),
        ),
        ...event('step.stop', [',"index":0']),
        ...event('interaction.completed', interactionField(finishedHead(id, record, options, context))),
        END_OF_STREAM,
      ]
    },
    failure: (failure: Failure) => {
      const error = interactionFault(failure, options)
      const head = interactionHead(id, { status: 'failed', errors: [error] }, options, context)
      const parts = [
        ...event('step.delta', [`,"error":${JSON.stringify(error)}`], 'error'),
        ...event('interaction.completed', interactionField(head)),
      ]
      return textOf(parts) + END_OF_STREAM
    },
  }
}
