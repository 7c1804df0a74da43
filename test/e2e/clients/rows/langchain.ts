import { DallEAPIWrapper } from '@langchain/openai'
import { OpenAI } from 'openai'
import { langchainOf } from '../support/langchain.ts'
import type { Caller, Client } from '../support/client.ts'

type Fields = NonNullable<ConstructorParameters<typeof DallEAPIWrapper>[0]>

const tool = ({ origin, key }: Caller): DallEAPIWrapper => new DallEAPIWrapper({ apiKey: key, baseUrl: `${origin}/v1` })

/** The tool with some of its fields. */
export const toolWith = ({ origin, key }: Caller, fields: Fields): DallEAPIWrapper =>
  new DallEAPIWrapper({ apiKey: key, baseUrl: `${origin}/v1`, ...fields })

/** LangChain's tool for images. */
export const LANGCHAIN_CLIENTS: Client[] = langchainOf(
  { name: 'langchain 1, DallEAPIWrapper', errors: OpenAI },
  { plain: tool, with: toolWith },
)
