import { bearer } from './wire/http'
import { imagesOf } from './wire/openai-images'
import { pass } from './wire/openai-text'
import type { Provider } from './provider'
import { relayError } from './wire/relay-reply'

/** OpenAI's Images API, and every relay that speaks it (protocols §1); their text models besides. */
export const openai: Provider = {
  id: 'openai',
  wellKnown: {
    secret: 'OPENAI_API_KEY',
    baseUrl: 'https://api.openai.com/v1',
    models: ['gpt-image-*', 'chatgpt-image-*'],
  },
  generate: (request, upstream, work) =>
    imagesOf(
      request,
      {
        to: (operation) => `/images/${operation}`,
        account: bearer(upstream),
        readError: relayError,
        editsAsJson: true,
      },
      upstream,
      work,
    ),
  pass,
}
