import { exports } from 'cloudflare:workers'
import { GoogleGenAI } from '@google/genai'
import { GoogleGenAI as GoogleGenAI2 } from 'google-genai-2'
import { KEY, knock, ORIGIN } from './gateway'

type Options = ConstructorParameters<typeof GoogleGenAI>[0]

const options = (apiKey: string, more: Options): Options => ({
  apiKey,
  httpOptions: { baseUrl: ORIGIN, fetch: (input, init) => exports.default.fetch(new Request(input, init)) },
  ...more,
})

/** Google's own client, with the gateway's URL and key. */
export const google = (apiKey = KEY, more: Options = {}): GoogleGenAI => new GoogleGenAI(options(apiKey, more))

/** The same in its major version 2, which uses /v1beta. */
export const google2 = (apiKey = KEY, more: Options = {}): GoogleGenAI2 => new GoogleGenAI2(options(apiKey, more))

/** Posts JSON in Google's form without an SDK. */
export const postGoogle = (
  call: string,
  body: unknown,
  headers: Record<string, string> = { 'x-goog-api-key': KEY },
): Promise<Response> =>
  knock(`/v1beta/models/${call}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

/** The pictures of an answer, or of a piece of one, in base64. */
export const picturesOf = ({ candidates = [] }: { candidates?: Candidate[] }): string[] =>
  candidates.flatMap(({ content }) => content?.parts?.flatMap(({ inlineData }) => inlineData?.data ?? []) ?? [])

interface Candidate {
  content?: { parts?: { inlineData?: { data?: string } }[] }
}
