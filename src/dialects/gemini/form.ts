import type { Part } from '../dialect'

/** How the messages of an answer are strung together. */
interface Form {
  contentType: string
  opening: string
  /** What may stand before any message, and says nothing. */
  idle: string
  before: string
  after: string
  between: string
  closing: string
}

const JSON_FORM: Form = {
  contentType: 'application/json',
  opening: '',
  idle: '\n',
  before: '',
  after: '',
  between: '',
  closing: '',
}

export const FORMS = {
  object: JSON_FORM,
  events: {
    ...JSON_FORM,
    contentType: 'text/event-stream',
    // Google's clients for Python take a comment for a broken message; an empty line none of them minds.
    idle: '\n\n',
    before: 'data: ',
    after: '\n\n',
  },
  list: { ...JSON_FORM, opening: '[', between: ',', closing: ']' },
} as const satisfies Record<string, Form>

type FormName = keyof typeof FORMS

/** The messages of an answer to its end, behind its opening. */
export function messages<Piece extends Part>(name: FormName, each: readonly Piece[][]): (Piece | string)[] {
  const { before, after, between, closing } = FORMS[name]
  return [...each.flatMap((pieces, at) => [at > 0 ? between + before : before, ...pieces, after]), closing]
}

/** An answer as a whole. */
export const framed = <Piece extends Part>(
  name: FormName,
  each: readonly Piece[][],
): { contentType: string; parts: (Piece | string)[] } => ({
  contentType: FORMS[name].contentType,
  parts: [FORMS[name].opening, ...messages(name, each)],
})
