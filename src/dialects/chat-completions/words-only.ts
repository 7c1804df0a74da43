import type { AnsweredRequest, WordedAnswer } from '../dialect'
import { renderWords } from './answer'

/*
 * Chat clients ask the model of a conversation for its title, its tags or its summary as well. Each would be a picture.
 */

/** The marks of such prompts in NextChat, Open WebUI, LibreChat, Cherry Studio and Chatbox (protocols §7.7). */
const PROMPTS = [
  /word(?:-or-less)? title (?:with an emoji )?(?:summarizing|for) (?:our|the) (?:conversation|chat)/i,
  /^\s*### Task:\s+(?:Generate 1-3 broad tags|Suggest \d-\d relevant follow-up|Analyze the chat history)/i,
  /^\s*summarize the (?:conversation into a title|discussion briefly)/i,
  /^\s*based on the chat history, give this conversation a name/i,
  /四到五个字直接返回这句话的简要主题/,
  /^\s*简要总结一下对话内容/,
]

/** Tokens of the longest answers of probes. The smallest picture has three times as many (protocols §1.9). */
const FEW_TOKENS = 64

const TITLE = 'Image'
const TOO_FEW = "A picture has more tokens than that. Raise 'max_tokens', or leave it out."

/** The answer to a chat request for words alone; undefined for a picture. */
export function inWords(
  fields: Record<string, unknown>,
  texts: readonly string[],
  request: AnsweredRequest,
): WordedAnswer | undefined {
  const words = texts.some((text) => PROMPTS.some((prompt) => prompt.test(text))) ? TITLE : allowsFew(fields) && TOO_FEW
  const { model = '' } = fields
  // A model of another type is refused where the request is parsed.
  if (!words || typeof model !== 'string') return undefined
  return renderWords(words, { model, stream: fields['stream'] === true }, request)
}

/** Whether a request has no room for a picture, and does not ask for one either. */
function allowsFew({ max_completion_tokens, max_tokens, modalities }: Record<string, unknown>): boolean {
  const most = max_completion_tokens ?? max_tokens
  const isAsked = Array.isArray(modalities) && modalities.includes('image')
  return typeof most === 'number' && most <= FEW_TOKENS && !isAsked
}
