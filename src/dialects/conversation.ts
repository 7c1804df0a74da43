/** What one side of a conversation said: its texts, and its pictures by whatever means them. */
export interface ConversationTurn<Picture> {
  role: 'system' | 'user' | 'model'
  texts: string[]
  pictures: Picture[]
}

/** What a conversation asks for. */
export interface PromptWithPictures<Picture> {
  prompt: string
  /** What is to be edited; none where a picture is to be made anew. */
  pictures: Picture[]
}

/**
 * What a conversation asks for. Whatever came before the last picture that was made is in that picture; what was said and
 * shown since then is to be done with it. What the system says always holds.
 */
export function promptWithPictures<Picture>(turns: readonly ConversationTurn<Picture>[]): PromptWithPictures<Picture> {
  const last = turns.findLastIndex(({ role, pictures }) => role === 'model' && pictures.length > 0)
  const since = turns.slice(last + 1).filter(({ role }) => role === 'user')
  const made = turns[last]?.pictures ?? []
  const said = [...turns.filter(({ role }) => role === 'system'), ...since].flatMap((turn) => turn.texts)
  const texts = said.filter((text) => text.trim() !== '')
  return {
    // One text is the prompt as it is, so that it is the same as in a wire format without conversations.
    prompt: texts.length > 1 ? texts.map((text) => text.trim()).join('\n\n') : (texts[0] ?? ''),
    pictures: [...made, ...since.flatMap((turn) => turn.pictures)],
  }
}

/** Whether the user had the last word, and said or showed something in it: the system alone asks for nothing. */
export function endsWithRequest(turns: readonly ConversationTurn<unknown>[]): boolean {
  const last = turns.findLast(({ role, pictures }) => role === 'user' || (role === 'model' && pictures.length > 0))
  return last?.role === 'user' && (last.pictures.length > 0 || last.texts.some((text) => text.trim() !== ''))
}
