import { type ReadStream, createReadStream } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Configuration, OpenAIApi } from 'openai-3'
import { Configuration as EdgeConfiguration, OpenAIApi as EdgeApi } from 'openai-edge'
import { decoded, fetched } from '../../support/pictures.ts'
import type { Caller, Client, Raised } from '../support/client.ts'
import { answerOf, refusedWith } from '../support/raw.ts'

const sdk = ({ origin, key }: Caller): OpenAIApi =>
  new OpenAIApi(new Configuration({ basePath: `${origin}/v1`, apiKey: key }))

const edge = ({ origin, key }: Caller): EdgeApi =>
  new EdgeApi(new EdgeConfiguration({ basePath: `${origin}/v1`, apiKey: key }))

type Asked = Parameters<OpenAIApi['createImage']>[0]
/** Its edits take their fields in this order. */
type Edited = [image: File, prompt: string, mask: File | undefined, n: number, size: '1024x1024', format: 'b64_json']
type Answer = Parameters<typeof decoded>[0]

/** Neither names a model: their types have no place for one. */
interface Api {
  name: string
  create: (caller: Caller, asked: Asked) => Promise<Answer>
  edit?: (caller: Caller, ...edited: Edited) => Promise<Answer>
  raises: (status: number, more?: Record<string, unknown>) => Raised
}

const WRONG_SIZE: Asked = JSON.parse('{ "prompt": "A mite", "size": "tiny" }')

const imagesOf = ({ name, create, edit, raises }: Api): Client => ({
  name,
  make: async (caller, prompt) => decoded(await create(caller, { prompt, response_format: 'b64_json' })),
  ...(edit && {
    edit: async (caller: Caller, prompt: string, image: File) =>
      decoded(await edit(caller, image, prompt, undefined, 1, '1024x1024', 'b64_json')),
  }),
  linked: async (caller, prompt) => fetched(await create(caller, { prompt, response_format: 'url' })),
  two: async (caller, prompt) => decoded(await create(caller, { prompt, n: 2, response_format: 'b64_json' })),
  wrong: { ask: (caller) => create(caller, WRONG_SIZE), raises: raises(400, { param: 'size' }) },
  lacks: {
    ...(edit ? {} : { edit: 'It announces another boundary than the one that fetch writes.' }),
    masked: 'Its edits take one picture.',
    stream: 'It has no streams of images.',
  },
  refusal: raises(400, { code: 'moderation_blocked' }),
  stranger: raises(401, { code: 'invalid_api_key' }),
  limit: raises(429, { code: 'rate_limit_exceeded' }),
})

/** OpenAI's clients before version 4, and the copy of them for the edge. */
export const OPENAI_3_CLIENTS: Client[] = [
  imagesOf({
    name: 'openai 3, images',
    create: async (caller, asked) => read(await sdk(caller).createImage(asked)),
    edit: async (caller, image, ...more) => read(await editOf(sdk(caller), await streamOf(image), ...more)),
    raises: (status, more = {}) => ({
      error: Error,
      details: { isAxiosError: true, response: { status, data: { error: more } } },
    }),
  }),
  imagesOf({
    name: 'openai-edge 1, images',
    create: async (caller, { prompt, n = 1, size = '1024x1024', response_format = 'b64_json' }) =>
      answerOf(await edge(caller).createImage({ prompt, n, size, response_format })),
    raises: refusedWith,
  }),
]

/** Its types ask for a browser's file, and its code in Node for a stream, as its guide says. */
const editOf = (api: OpenAIApi, ...given: unknown[]): ReturnType<OpenAIApi['createImageEdit']> =>
  Reflect.apply(Reflect.get(api, 'createImageEdit'), api, given)

async function streamOf(image: File): Promise<ReadStream> {
  const path = join(await mkdtemp(join(tmpdir(), 'darkroom-openai-3-')), image.name)
  await writeFile(path, await image.bytes())
  return createReadStream(path)
}

const read = ({ data }: { data: Required<Answer> }): Answer => data
