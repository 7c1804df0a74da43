import { exports } from 'cloudflare:workers'
import { AzureOpenAI } from 'openai'
import { KEY, ORIGIN } from './gateway'

/** Azure's own client, with the gateway as its endpoint and a key of the gateway. */
export const azure = (options: ConstructorParameters<typeof AzureOpenAI>[0] = {}): AzureOpenAI =>
  new AzureOpenAI({
    endpoint: ORIGIN,
    apiKey: KEY,
    apiVersion: '2025-04-01-preview',
    maxRetries: 0,
    fetch: (input, init) => exports.default.fetch(new Request(input, init)),
    ...options,
  })
