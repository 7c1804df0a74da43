import { OpenAI } from 'openai'
import { rest } from '../../support/requests.ts'
import { decoded } from '../../support/pictures.ts'
import type { Caller, Client } from './client.ts'
import { decodedFrom } from './shown.ts'

/** The errors of the clients of openai 7. */
export const RAISES = {
  refusal: { error: OpenAI.BadRequestError, details: { status: 400, code: 'moderation_blocked' } },
  limit: { error: OpenAI.RateLimitError, details: { status: 429, code: 'rate_limit_exceeded' } },
} satisfies Pick<Client, 'refusal' | 'limit'>

const model = 'gpt-image-2'

/** The images of any client class of openai 7. */
export const imagesOf = (name: string, sdk: (caller: Caller) => OpenAI): Client => ({
  name,
  make: async (caller, prompt) => decoded(await sdk(caller).images.generate({ model, prompt })),
  edit: async (caller, prompt, image) => decoded(await sdk(caller).images.edit({ model, prompt, image })),
  stream: {
    previews: 2,
    run: async (caller, prompt) => {
      const events = await rest(await sdk(caller).images.generate({ model, prompt, stream: true, partial_images: 2 }))
      const named = (type: string): Buffer[] =>
        events.filter((event) => event.type === type).map(({ b64_json }) => decodedFrom(b64_json))
      return { previews: named('image_generation.partial_image'), pictures: named('image_generation.completed') }
    },
  },
  ...RAISES,
})
