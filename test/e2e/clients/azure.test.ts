import { AzureOpenAI, OpenAI } from 'openai'
import { served } from '../support/served.ts'
import type { Caller } from './support/client.ts'
import { imagesOf } from './support/openai-images.ts'
import { testClients } from './support/test-clients.ts'

const byEndpoint = ({ origin, key }: Caller): AzureOpenAI =>
  new AzureOpenAI({ endpoint: origin, apiKey: key, apiVersion: '2025-04-01-preview' })

/** With the deployment in the URL, and an Entra token instead of a key. */
const byDeployment = ({ origin, key }: Caller): AzureOpenAI =>
  new AzureOpenAI({
    baseURL: `${origin}/openai/deployments/gpt-image-2`,
    azureADTokenProvider: async () => key,
    apiVersion: '2025-04-01-preview',
  })

/** Azure's newer form, with the usual client. */
const byModel = ({ origin, key }: Caller): OpenAI => new OpenAI({ baseURL: `${origin}/openai/v1`, apiKey: key })

testClients(served(), [
  imagesOf('openai 7, AzureOpenAI with a key', byEndpoint),
  imagesOf('openai 7, AzureOpenAI with a token', byDeployment),
  imagesOf('openai 7, OpenAI at Azure', byModel),
])
