import { bearer } from './wire/http'
import { openaiImages } from './wire/openai-images'
import { pass } from './wire/openai-text'
import type { Provider } from './provider'
import { readRelayError } from './wire/relay-reply'

/** OpenAI's Images API and relays with it (protocols §1), with their text models. */
export const openaiProvider: Provider = {
  id: 'openai',
  account: bearer,
  wellKnown: {
    secret: 'OPENAI_API_KEY',
    baseUrl: 'https://api.openai.com/v1',
    models: ['gpt-image-*', 'chatgpt-image-*'],
  },
  generate: (request, upstream, work) =>
    openaiImages(
      request,
      {
        to: (operation) => `/images/${operation}`,
        account: bearer(upstream),
        readError: readRelayError,
        editsAsJson: true,
        tasks: true,
      },
      upstream,
      work,
    ),
  pass,
}
