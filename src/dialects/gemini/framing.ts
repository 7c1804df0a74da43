import type { AnswerPart } from '../dialect'

/** The text around the messages of an answer. */
interface MessageFraming {
  contentType: string
  opening: string
  /** An empty message, which may precede any other. */
  idle: string
  before: string
  after: string
  between: string
  closing: string
}

const JSON_FORM: MessageFraming = {
  contentType: 'application/json',
  opening: '',
  idle: '\n',
  before: '',
  after: '',
  between: '',
  closing: '',
}

export const FRAMINGS = {
  object: JSON_FORM,
  events: {
    ...JSON_FORM,
    contentType: 'text/event-stream',
    // Google's clients for Python take a comment for a broken message; all clients ignore an empty line.
    idle: '\n\n',
    before: 'data: ',
    after: '\n\n',
  },
  list: { ...JSON_FORM, opening: '[', between: ',', closing: ']' },
} as const satisfies Record<string, MessageFraming>

type FramingName = keyof typeof FRAMINGS

/** The messages of an answer to its end, after the opening. */
export function framedMessages<Piece extends AnswerPart>(
  name: FramingName,
  each: readonly Piece[][],
): (Piece | string)[] {
  const { before, after, between, closing } = FRAMINGS[name]
  return [...each.flatMap((pieces, at) => [at > 0 ? between + before : before, ...pieces, after]), closing]
}

/** A whole answer. */
export const framedAnswer = <Piece extends AnswerPart>(
  name: FramingName,
  each: readonly Piece[][],
): { contentType: string; parts: (Piece | string)[] } => ({
  contentType: FRAMINGS[name].contentType,
  parts: [FRAMINGS[name].opening, ...framedMessages(name, each)],
})
