import { exports } from 'cloudflare:workers'
import { HTTPClient, OpenRouter, type SDKOptions } from '@openrouter/sdk'
import type {
  ImageGenerationRequest,
  ImageGenerationResponse,
  ImageStreamingResponseData,
} from '@openrouter/sdk/models'
import { KEY, ORIGIN } from './gateway'

type Fetcher = (request: Request) => Promise<Response>

const atTheDoor: Fetcher = (request) => exports.default.fetch(request)

/** OpenRouter's own client, with the gateway's URL and key; it retries only on request. */
export const openrouter = (options: SDKOptions = {}, fetcher: Fetcher = atTheDoor): OpenRouter =>
  new OpenRouter({
    apiKey: KEY,
    serverURL: `${ORIGIN}/api/v1`,
    httpClient: new HTTPClient({ fetcher: (input, init) => fetcher(new Request(input, init)) }),
    retryConfig: { strategy: 'none' },
    ...options,
  })

/** Makes a picture with it. */
export async function imagesOf(
  wanted: Partial<ImageGenerationRequest> = {},
  client = openrouter(),
): Promise<ImageGenerationResponse> {
  const imageGenerationRequest = { model: 'openai/gpt-image-2', prompt: 'A cat', ...wanted }
  const answer = await client.images.generate({ imageGenerationRequest })
  if (answer instanceof ReadableStream) throw new Error('the answer is a stream')
  return answer
}

/** All events of a stream. */
export async function eventsOf(wanted: Partial<ImageGenerationRequest> = {}): Promise<ImageStreamingResponseData[]> {
  const imageGenerationRequest = { model: 'openai/gpt-image-2', prompt: 'A cat', ...wanted, stream: true }
  const answer = await openrouter().images.generate({ imageGenerationRequest })
  if (!(answer instanceof ReadableStream)) throw new Error('the answer is no stream')
  const events: ImageStreamingResponseData[] = []
  for await (const event of answer) events.push(event)
  return events
}
