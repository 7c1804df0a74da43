import type { Streamed } from './client.ts'
import { dataUrl, decodedFrom, picturesShownIn } from './shown.ts'

/* Requests and answers of OpenAI's chats and responses, for all versions of its client. */

/** Any text model; its tool makes the picture. */
export const TEXT_MODEL = 'gpt-5.2'

/** A chat's message with a picture. */
export const messageWith = async (text: string, image: File) => ({
  role: 'user' as const,
  content: [
    { type: 'text' as const, text },
    { type: 'image_url' as const, image_url: { url: await dataUrl(image) } },
  ],
})

export const picturesOfChat = ({
  choices,
}: {
  choices: { message: { content: string | null } }[]
}): Promise<Buffer[]> => picturesShownIn(choices.map(({ message }) => message.content ?? '').join('\n'))

/** Reads a stream to its end before it looks for pictures: chunks may split their URLs. */
export async function streamedChat(
  chunks: AsyncIterable<{ choices: { delta: { content?: string | null } }[] }>,
): Promise<Streamed> {
  let text = ''
  for await (const { choices } of chunks) text += choices[0]?.delta.content ?? ''
  return { previews: [], pictures: await picturesShownIn(text) }
}

/** The input of a response with a picture. */
export const inputWith = async (text: string, image: File) => [
  {
    role: 'user' as const,
    content: [
      { type: 'input_text' as const, text },
      { type: 'input_image' as const, image_url: await dataUrl(image), detail: 'auto' as const },
    ],
  },
]

interface Item {
  type: string
  result?: unknown
}

export const picturesOfOutput = (output: readonly Item[]): Buffer[] =>
  output
    .filter(({ type }) => type === 'image_generation_call')
    .map(({ result }) => decodedFrom(typeof result === 'string' ? result : ''))

interface ResponseEvent {
  type: string
  partial_image_b64?: string
  response?: { output: readonly Item[] }
}

/** The previews of a response's events, and the pictures of its completed one. */
export async function streamedResponse(events: AsyncIterable<ResponseEvent>): Promise<Streamed> {
  const streamed: Streamed = { previews: [], pictures: [] }
  for await (const { type, partial_image_b64, response } of events) {
    if (partial_image_b64 !== undefined) streamed.previews.push(decodedFrom(partial_image_b64))
    if (type === 'response.completed') streamed.pictures = picturesOfOutput(response?.output ?? [])
  }
  return streamed
}
