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

/** Whether the last turn is the user's and has content; a system text alone asks for nothing. */
export function endsWithRequest(turns: readonly ConversationTurn<unknown>[]): boolean {
  const last = turns.findLast(({ role, pictures }) => role === 'user' || (role === 'model' && pictures.length > 0))
  return last?.role === 'user' && (last.pictures.length > 0 || last.texts.some((text) => text.trim() !== ''))
}
