import type { Caller, Client } from './client.ts'
import { type ImagesRow, raisesOf } from './openai-images.ts'
import { decodedFrom, pictureAt } from './shown.ts'

interface Fields {
  dallEResponseFormat?: 'b64_json'
  model?: 'gpt-image-2'
  size?: '1024x1024'
}

interface Tool {
  invoke(prompt: string): Promise<unknown>
}

/** The tool by its default fields, and by others. */
interface Tools {
  plain: (caller: Caller) => Tool
  with: (caller: Caller, fields: Fields) => Tool
}

/** A size that its types refuse. */
const WRONG: Fields = JSON.parse('{ "size": "tiny" }')

const text = (answer: unknown): string => {
  if (typeof answer !== 'string') throw new Error('several pictures are no text')
  return answer
}

/** One version of LangChain's tool: by its defaults with links, and with base64. */
export function langchainOf({ name, errors, isOlder = false }: ImagesRow, tools: Tools): Client[] {
  const linked: Client['make'] = async (caller, prompt) => [
    await pictureAt(text(await tools.plain(caller).invoke(prompt))),
  ]
  const shared = {
    isOlder,
    wrong: {
      ask: (caller: Caller) => tools.with(caller, WRONG).invoke('A mite'),
      raises: { error: errors.BadRequestError, details: { status: 400, param: 'size' } },
    },
    lacks: {
      edit: 'The tool only makes.',
      masked: 'The tool only makes.',
      two: 'It splits them into equal requests, which are one picture here.',
      stream: 'A tool has no stream.',
    },
    ...raisesOf(errors),
  }
  const base64: Client['make'] = async (caller, prompt) => [
    decodedFrom(
      text(await tools.with(caller, { dallEResponseFormat: 'b64_json', model: 'gpt-image-2' }).invoke(prompt)),
    ),
  ]
  return [
    { ...shared, name: `${name} with links`, make: linked, linked },
    { ...shared, name: `${name} with base64`, make: base64, linked },
  ]
}
