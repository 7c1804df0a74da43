import { OpenAI } from 'openai'
import { OpenAI as OpenAI4 } from 'openai-4'
import { OpenAI as OpenAI5 } from 'openai-5'
import { OpenAI as OpenAI6 } from 'openai-6'
import type { Caller, Client } from '../support/client.ts'
import { chatOf, responsesOf } from '../support/openai-conversations.ts'
import { imagesOf, streamingImagesOf } from '../support/openai-images.ts'

export const sdk = ({ origin, key }: Caller): OpenAI => new OpenAI({ baseURL: `${origin}/v1`, apiKey: key })

const sdk6 = ({ origin, key }: Caller): OpenAI6 => new OpenAI6({ baseURL: `${origin}/v1`, apiKey: key })
const sdk5 = ({ origin, key }: Caller): OpenAI5 => new OpenAI5({ baseURL: `${origin}/v1`, apiKey: key })
export const sdk4 = ({ origin, key }: Caller): OpenAI4 => new OpenAI4({ baseURL: `${origin}/v1`, apiKey: key })

/** OpenAI's own client. */
export const OPENAI_CLIENTS: Client[] = [
  streamingImagesOf({ name: 'openai 7, images', errors: OpenAI }, sdk),
  chatOf({ name: 'openai 7, chat', errors: OpenAI }, sdk),
  responsesOf({ name: 'openai 7, responses', errors: OpenAI }, sdk),
  streamingImagesOf({ name: 'openai 6, images', errors: OpenAI6, isOlder: true }, sdk6),
  chatOf({ name: 'openai 6, chat', errors: OpenAI6, isOlder: true }, sdk6),
  responsesOf({ name: 'openai 6, responses', errors: OpenAI6, isOlder: true }, sdk6),
  streamingImagesOf({ name: 'openai 5, images', errors: OpenAI5, isOlder: true }, sdk5),
  chatOf({ name: 'openai 5, chat', errors: OpenAI5, isOlder: true }, sdk5),
  responsesOf({ name: 'openai 5, responses', errors: OpenAI5, isOlder: true }, sdk5),
  imagesOf({ name: 'openai 4, images', errors: OpenAI4 }, sdk4),
  chatOf({ name: 'openai 4, chat', errors: OpenAI4 }, sdk4),
  responsesOf({ name: 'openai 4, responses', errors: OpenAI4 }, sdk4),
]
