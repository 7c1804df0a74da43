import { OpenAI } from 'openai'
import { expect, test } from 'vitest'
import { errorOf } from '../support/requests.ts'
import { decodePng } from '../support/pictures.ts'
import { served } from '../support/served.ts'
import { type Caller, callerOf } from './support/client.ts'
import { streamingImagesOf } from './support/openai-images.ts'
import { fetchOfPage } from './support/page.ts'
import { testClients } from './support/test-clients.ts'

const PAGE = 'https://app.example.com'
const running = served({ CORS_ORIGINS: `http://localhost:5173,${PAGE}` })

const sdkIn =
  (page: string) =>
  ({ origin, key }: Caller): OpenAI =>
    new OpenAI({ baseURL: `${origin}/v1`, apiKey: key, fetch: fetchOfPage(page), dangerouslyAllowBrowser: true })

const caller = (): Caller => callerOf(running.gateway, running.gateway.key)

testClients(running, [streamingImagesOf({ name: 'openai 7, in a page', errors: OpenAI }, sdkIn(PAGE))])

test('a page shows a picture by its link, and reads its cost and its generation id', async () => {
  const request = { model: 'gpt-image-2', prompt: 'A pier', response_format: 'url' } as const
  const { data, response } = await sdkIn(PAGE)(caller()).images.generate(request).withResponse()
  expect(response.headers.get('x-cost-usd')).toMatch(/^0\.0\d+$/)
  expect(response.headers.get('x-generation-id')).toMatch(/^gen_/)
  const picture = await fetchOfPage(PAGE)(data.data?.[0]?.url ?? '')
  expect(decodePng(Buffer.from(await picture.arrayBuffer()))).toEqual({ width: 16, height: 16 })
})

test('a page of another origin gets nothing, and makes nothing', async () => {
  const sdk = sdkIn('https://other.example.com')(caller()).withOptions({ maxRetries: 0 })
  const error = await errorOf(sdk.images.generate({ model: 'gpt-image-2', prompt: 'A pier for nobody' }))
  expect(error).toBeInstanceOf(OpenAI.APIConnectionError)
  expect(await running.upstream.callsFor('A pier for nobody')).toEqual([])
})
