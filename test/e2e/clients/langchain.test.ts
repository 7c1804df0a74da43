import { DallEAPIWrapper } from '@langchain/openai'
import { OpenAI } from 'openai'
import { expect, test } from 'vitest'
import { served } from '../support/served.ts'
import { type Caller, type Client, callerOf } from './support/client.ts'
import { testClients } from './support/test-clients.ts'
import { decodedFrom, pictureAt } from './support/shown.ts'

const running = served()

type Fields = NonNullable<ConstructorParameters<typeof DallEAPIWrapper>[0]>

const tool = ({ origin, key }: Caller): DallEAPIWrapper => new DallEAPIWrapper({ apiKey: key, baseUrl: `${origin}/v1` })

const toolWith = ({ origin, key }: Caller, fields: Fields): DallEAPIWrapper =>
  new DallEAPIWrapper({ apiKey: key, baseUrl: `${origin}/v1`, ...fields })

const raises = {
  refusal: { error: OpenAI.BadRequestError, details: { status: 400, code: 'moderation_blocked' } },
  limit: { error: OpenAI.RateLimitError, details: { status: 429, code: 'rate_limit_exceeded' } },
} satisfies Pick<Client, 'refusal' | 'limit'>

const urls: Client = {
  name: 'langchain 1, DallEAPIWrapper with links',
  make: async (caller, prompt) => [await pictureAt(await tool(caller).invoke(prompt))],
  ...raises,
}

const base64: Client = {
  name: 'langchain 1, DallEAPIWrapper with base64',
  make: async (caller, prompt) => [
    decodedFrom(await toolWith(caller, { dallEResponseFormat: 'b64_json', model: 'gpt-image-2' }).invoke(prompt)),
  ],
  ...raises,
}

testClients(running, [urls, base64])

test('its fixed parameters for dall-e-3 are made by its successor', async () => {
  await toolWith(callerOf(running.gateway, running.gateway.key), { quality: 'hd' }).invoke('A fox in the snow')
  const [call] = await running.upstream.callsFor('A fox in the snow')
  expect(call?.fields).toEqual({
    model: 'gpt-image-2.5-sunburst',
    prompt: 'A fox in the snow',
    size: '1024x1024',
    quality: 'high',
  })
})
