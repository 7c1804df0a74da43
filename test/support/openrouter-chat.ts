import type { ChatRequest, ChatResult, ChatStreamChunk } from '@openrouter/sdk/models'
import { openrouter } from './openrouter'

/** A request for a picture in a chat of OpenRouter's clients. */
export const CHAT: ChatRequest = {
  model: 'openai/gpt-image-2',
  modalities: ['image', 'text'],
  messages: [{ role: 'user', content: 'A cat' }],
}

/** Sends it with OpenRouter's own client. */
export async function complete(more: Partial<ChatRequest> = {}, client = openrouter()): Promise<ChatResult> {
  const result = await client.chat.send({ chatRequest: { ...CHAT, ...more, stream: false } })
  if (!('choices' in result)) throw new Error('there is no completion')
  return result
}

/** All chunks of a stream. */
export async function chunksOf(more: Partial<ChatRequest> = {}): Promise<ChatStreamChunk[]> {
  const result = await openrouter().chat.send({ chatRequest: { ...CHAT, ...more, stream: true } })
  if ('choices' in result) throw new Error('there is no stream')
  const chunks: ChatStreamChunk[] = []
  for await (const chunk of result) chunks.push(chunk)
  return chunks
}

/** The media type of the first picture of an answer, and its bytes. */
export function pictureIn({ choices }: ChatResult): [string | undefined, Uint8Array] {
  const url = choices[0]?.message.images?.[0]?.imageUrl.url ?? ''
  const [, mediaType, base64 = ''] = /^data:(.*);base64,(.*)$/.exec(url) ?? []
  return [mediaType, Uint8Array.fromBase64(base64)]
}
