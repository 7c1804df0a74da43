import { type Message, bytesOf, said, saidWith } from './ai-sdk.ts'
import type { Caller, Client, Raised } from './client.ts'

type Files = readonly { uint8Array: Uint8Array }[]

interface Row {
  name: string
  isOlder?: boolean
  say: (caller: Caller, messages: Message[]) => Promise<{ files: Files }>
  draw: (caller: Caller, prompt: string) => Promise<{ images: Files }>
}

/** Its errors are of a copy of the AI SDK's class within its package. */
const refused = (statusCode: number): Raised => ({ error: Error, details: { name: 'AI_APICallError', statusCode } })

/** One version of OpenRouter's provider for the AI SDK, by its texts and by its images. */
export function providerOf({ name, isOlder = false, say, draw }: Row): Client[] {
  const lacks = {
    masked: "OpenRouter's chats have no masks.",
    linked: 'It reads data URLs alone.',
    two: 'A chat has one choice.',
    stream: 'Its streams have the same pictures as its whole answers.',
    wrong: 'It has no options of an image.',
  }
  const raises = { refusal: refused(403), stranger: refused(401), limit: refused(429), isOlder }
  return [
    {
      ...raises,
      name: `${name}, texts`,
      make: async (caller, prompt) => bytesOf((await say(caller, said(prompt))).files),
      edit: async (caller, prompt, image) => bytesOf((await say(caller, await saidWith(prompt, [image]))).files),
      lacks,
    },
    {
      ...raises,
      name: `${name}, images`,
      make: async (caller, prompt) => bytesOf((await draw(caller, prompt)).images),
      lacks: { ...lacks, edit: 'Its chat takes the picture: see its texts.', stream: 'generateImage has no stream.' },
    },
  ]
}
