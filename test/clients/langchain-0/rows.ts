import { DallEAPIWrapper } from '@langchain/openai'
import { OpenAI } from 'openai'
import { langchainOf } from '../../e2e/clients/support/langchain.ts'
import type { Caller, Client } from '../../e2e/clients/support/client.ts'

type Fields = NonNullable<ConstructorParameters<typeof DallEAPIWrapper>[0]>

const toolWith = ({ origin, key }: Caller, fields: Fields): DallEAPIWrapper =>
  new DallEAPIWrapper({ apiKey: key, baseUrl: `${origin}/v1`, ...fields })

/** LangChain's tool before its version 1. */
export const LANGCHAIN_0_CLIENTS: Client[] = langchainOf(
  { name: 'langchain 0, DallEAPIWrapper', errors: OpenAI, isOlder: true },
  { plain: (caller) => toolWith(caller, {}), with: toolWith },
)
