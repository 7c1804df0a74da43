/** A turn of a conversation; `Picture` is the form in which a dialect names pictures. */
export interface ConversationTurn<Picture> {
  role: 'system' | 'user' | 'model'
  texts: string[]
  pictures: Picture[]
}

/** The request that a conversation makes. */
export interface PromptWithPictures<Picture> {
  prompt: string
  /** The pictures to edit; none for a new picture. */
  pictures: Picture[]
}

/**
 * The prompt and the pictures of a conversation. The last picture of the model stands for all turns before it. System
 * texts always count; user texts count since that picture.
 */
export function promptWithPictures<Picture>(turns: readonly ConversationTurn<Picture>[]): PromptWithPictures<Picture> {
  const last = turns.findLastIndex(({ role, pictures }) => role === 'model' && pictures.length > 0)
  const since = turns.slice(last + 1).filter(({ role }) => role === 'user')
  const made = turns[last]?.pictures ?? []
  const allTexts = [...turns.filter(({ role }) => role === 'system'), ...since].flatMap((turn) => turn.texts)
  const texts = allTexts.filter((text) => text.trim() !== '')
  return {
    // A single text stays untouched, so that its fingerprint equals that of other dialects.
    prompt: texts.length > 1 ? texts.map((text) => text.trim()).join('\n\n') : (texts[0] ?? ''),
    pictures: [...made, ...since.flatMap((turn) => turn.pictures)],
  }
}

/**
 * The turns with the request of the user as their end. Pictures after it are those to edit: clients name them last
 * (protocols §2.3). After any words of the model, its turn is over and the order stays.
 */
export function requestLast<Picture>(turns: readonly ConversationTurn<Picture>[]): ConversationTurn<Picture>[] {
  const end = turns.findLastIndex(({ role }) => role === 'user') + 1
  const after = turns
    .slice(end)
    .filter(({ role, texts, pictures }) => role === 'model' && texts.length + pictures.length > 0)
  if (end === 0 || after.length === 0 || after.some(({ texts }) => texts.length > 0)) return [...turns]
  const begin = turns.slice(0, end).findLastIndex(({ role, pictures }) => role === 'model' && pictures.length > 0) + 1
  const named = { role: 'model' as const, texts: [], pictures: after.flatMap(({ pictures }) => pictures) }
  return [
    ...turns.slice(0, begin),
    named,
    ...turns.slice(begin, end),
    ...turns.slice(end).filter(({ role }) => role === 'system'),
  ]
}

/** Whether the last turn is the user's and has content; a system text alone asks for nothing. */
export function endsWithRequest(turns: readonly ConversationTurn<unknown>[]): boolean {
  const last = turns.findLast(({ role, pictures }) => role === 'user' || (role === 'model' && pictures.length > 0))
  return last?.role === 'user' && (last.pictures.length > 0 || last.texts.some((text) => text.trim() !== ''))
}
