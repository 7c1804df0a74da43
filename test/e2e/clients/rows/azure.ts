import { AzureKeyCredential, OpenAIClient } from '@azure/openai'
import { AzureOpenAI, OpenAI } from 'openai'
import { AzureOpenAI as AzureOpenAI4, OpenAI as OpenAI4 } from 'openai-4'
import type { Caller, Client, Raised } from '../support/client.ts'
import { imagesOf, streamingImagesOf } from '../support/openai-images.ts'
import { decodedFrom, pictureAt } from '../support/shown.ts'

const byEndpoint = ({ origin, key }: Caller): AzureOpenAI =>
  new AzureOpenAI({ endpoint: origin, apiKey: key, apiVersion: '2025-04-01-preview' })

const byEndpoint4 = ({ origin, key }: Caller): AzureOpenAI4 =>
  new AzureOpenAI4({ endpoint: origin, apiKey: key, apiVersion: '2025-04-01-preview' })

/** With the deployment in the URL, and an Entra token instead of a key. */
const byDeployment = ({ origin, key }: Caller): AzureOpenAI =>
  new AzureOpenAI({
    baseURL: `${origin}/openai/deployments/gpt-image-2`,
    azureADTokenProvider: async () => key,
    apiVersion: '2025-04-01-preview',
  })

/** Azure's newer form, with the usual client. */
const byModel = ({ origin, key }: Caller): OpenAI => new OpenAI({ baseURL: `${origin}/openai/v1`, apiKey: key })

/** By default, it takes no key over http, and it waits for as long as a limit lasts. */
const options = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } }

const imagesBy = async ({ origin, key }: Caller, prompt: string, n = 1): Promise<Buffer[]> => {
  const client = new OpenAIClient(origin, new AzureKeyCredential(key), options)
  const { data } = await client.getImages('gpt-image-2', prompt, { n, responseFormat: 'b64_json' })
  return data.map(({ base64Data = '' }) => decodedFrom(base64Data))
}

/** It throws the error of the body as it is. */
const refused = (code: string): Raised => ({ error: Object, details: { code } })

const azure: Client = {
  name: 'azure openai 1, images',
  make: imagesBy,
  linked: async ({ origin, key }, prompt) => {
    const client = new OpenAIClient(origin, new AzureKeyCredential(key), options)
    const { data } = await client.getImages('gpt-image-2', prompt, { responseFormat: 'url' })
    return Promise.all(data.map(({ url = '' }) => pictureAt(url)))
  },
  two: (caller, prompt) => imagesBy(caller, prompt, 2),
  wrong: {
    ask: (caller) => imagesBy(caller, 'A crowd', 99),
    raises: refused('integer_above_max_value'),
  },
  lacks: {
    edit: 'It has no edits; 2.0, the last version, has types alone.',
    masked: 'It has no edits.',
    stream: 'It has no streams of images.',
  },
  refusal: refused('moderation_blocked'),
  stranger: refused('invalid_api_key'),
  limit: refused('rate_limit_exceeded'),
}

/** Clients of Azure's OpenAI service. */
export const AZURE_CLIENTS: Client[] = [
  streamingImagesOf({ name: 'openai 7, AzureOpenAI with a key', errors: OpenAI }, byEndpoint),
  streamingImagesOf({ name: 'openai 7, AzureOpenAI with a token', errors: OpenAI }, byDeployment),
  streamingImagesOf({ name: 'openai 7, OpenAI at Azure', errors: OpenAI }, byModel),
  imagesOf({ name: 'openai 4, AzureOpenAI with a key', errors: OpenAI4, isOlder: true }, byEndpoint4),
  azure,
]
