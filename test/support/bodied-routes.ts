import { HELLO } from './texts'
import { KEY } from './gateway'
import { deployment, MODEL } from './ways'

/** A request with a text, and perhaps with a picture as a data URL or a link. */
export interface Bodied {
  /** The paths that take it. */
  paths: readonly string[]
  /** The parameter of its text. */
  param: string
  headers?: Record<string, string>
  body: (text: string, picture?: string) => object | Promise<FormData>
  /** Whether it takes a picture. Requests without this take none. */
  picture?: 'required' | 'optional'
  takesLinks?: false
  /** Whether each of its bodies differs, since two equal ones conflict. */
  makesAnew?: true
}

const image = (url: string | undefined): object | undefined => (url === undefined ? undefined : { url })
const listed = (url: string | undefined): string[] | undefined => (url === undefined ? undefined : [url])

const messages = (text: string, picture?: string): object[] => [
  {
    role: 'user',
    content: [
      { type: 'text', text },
      ...(picture === undefined ? [] : [{ type: 'image_url', image_url: image(picture) }]),
    ],
  },
]

const base64Of = (url: string): string => url.slice(url.indexOf(',') + 1)

const part = (picture: string): object =>
  picture.startsWith('data:')
    ? { inlineData: { mimeType: 'image/png', data: base64Of(picture) } }
    : { fileData: { mimeType: 'image/png', fileUri: picture } }

const interactionPart = (picture: string): object =>
  picture.startsWith('data:')
    ? { type: 'image', mime_type: 'image/png', data: base64Of(picture) }
    : { type: 'image', mime_type: 'image/png', uri: picture }

async function editForm(text: string, picture = ''): Promise<FormData> {
  const form = new FormData()
  form.append('model', MODEL)
  form.append('prompt', text)
  form.append('image', new Blob([Buffer.from(base64Of(picture), 'base64')]), 'a.png')
  return form
}

const operator = { authorization: 'Bearer admin-token-of-the-tests' }
const azure = { 'api-key': KEY }
let made = 0

/** A JSON body for every route that takes one. */
export const BODIED: Readonly<Record<string, Bodied>> = {
  'a generation': {
    paths: ['/v1/images/generations'],
    param: 'prompt',
    body: (prompt, picture) => ({ model: MODEL, prompt, image: listed(picture) }),
    picture: 'optional',
  },
  'a generation at Azure': {
    paths: [deployment(MODEL, 'generations'), '/openai/v1/images/generations'],
    param: 'prompt',
    headers: azure,
    body: (prompt, picture) => ({ model: MODEL, prompt, image: listed(picture) }),
    picture: 'optional',
  },
  'an edit': {
    paths: ['/v1/images/edits', '/v1/images/variations'],
    param: 'prompt',
    body: (prompt, picture) => ({ model: MODEL, prompt, images: [{ image_url: picture }] }),
    picture: 'required',
  },
  'an edit at Azure': {
    paths: [deployment(MODEL, 'edits'), '/openai/v1/images/edits'],
    param: 'prompt',
    headers: azure,
    body: (prompt, picture) => ({ model: MODEL, prompt, images: [{ image_url: picture }] }),
    picture: 'required',
  },
  'a chat completion': {
    paths: ['/v1/chat/completions', '/api/v1/chat/completions'],
    param: 'messages[0].content[0].text',
    body: (text, picture) => ({ model: MODEL, messages: messages(text, picture) }),
    picture: 'optional',
  },
  'a chat completion for a text': {
    paths: ['/v1/chat/completions'],
    param: 'messages[0].content[0].text',
    body: (text) => ({ ...HELLO, messages: messages(text) }),
  },
  'a response': {
    paths: ['/v1/responses'],
    param: 'input[0].content[0].text',
    body: (text, picture) => ({
      model: 'gpt-5.5',
      tools: [{ type: 'image_generation', model: MODEL }],
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text },
            ...(picture === undefined ? [] : [{ type: 'input_image', image_url: picture }]),
          ],
        },
      ],
    }),
    picture: 'optional',
  },
  'a response with a text': {
    paths: ['/v1/responses'],
    param: 'input',
    body: (input) => ({ model: HELLO.model, input }),
  },
  'a picture at OpenRouter': {
    paths: ['/api/v1/images'],
    param: 'prompt',
    body: (prompt, picture) => ({
      model: MODEL,
      prompt,
      input_references: listed(picture)?.map((url) => ({ type: 'image_url', image_url: { url } })),
    }),
    picture: 'optional',
  },
  'contents for Gemini': {
    paths: [`/v1beta/models/${MODEL}:generateContent`, `/v1/models/${MODEL}:streamGenerateContent`],
    param: 'contents[0].parts[0].text',
    headers: { 'x-goog-api-key': KEY },
    body: (text, picture) => ({ contents: [{ parts: [{ text }, ...(picture === undefined ? [] : [part(picture)])] }] }),
    picture: 'optional',
  },
  'predictions of Imagen': {
    paths: [`/v1beta/models/${MODEL}:predict`],
    param: 'instances[0].prompt',
    headers: { 'x-goog-api-key': KEY },
    body: (prompt, picture) => ({
      instances: [{ prompt, image: picture && { bytesBase64Encoded: base64Of(picture) } }],
    }),
    picture: 'optional',
    takesLinks: false,
  },
  'a count of tokens': {
    paths: [`/v1beta/models/${MODEL}:countTokens`],
    param: 'contents[0].parts[0].text',
    headers: { 'x-goog-api-key': KEY },
    body: (text) => ({ contents: [{ parts: [{ text }] }] }),
  },
  'an interaction': {
    paths: ['/v1beta/interactions'],
    param: 'input[0].text',
    headers: { 'x-goog-api-key': KEY },
    body: (text, picture) => ({
      model: MODEL,
      input: [{ type: 'text', text }, ...(picture === undefined ? [] : [interactionPart(picture)])],
    }),
    picture: 'optional',
  },
  'a drawing of GrsAI': {
    paths: ['/v1/draw/completions', '/v1/draw/nano-banana'],
    param: 'prompt',
    body: (prompt, picture) => ({ model: MODEL, prompt, urls: listed(picture) }),
    picture: 'optional',
  },
  "a picture of GrsAI's new generation": {
    paths: ['/v1/api/generate', '/v1/api/edit'],
    param: 'prompt',
    body: (prompt, picture) => ({ model: MODEL, prompt, images: listed(picture) }),
    picture: 'optional',
  },
  'the result of a drawing': {
    paths: ['/v1/draw/result'],
    param: 'id',
    body: (id) => ({ id }),
  },
  'a new team': {
    paths: ['/admin/api/teams'],
    param: 'name',
    headers: operator,
    body: (name) => ({ id: `team-${++made}`, name }),
    makesAnew: true,
  },
  'a key': {
    paths: ['/admin/api/teams/default/keys'],
    param: 'name',
    headers: operator,
    body: (name) => ({ name }),
  },
}

/** An edit in a form, for the routes that take one. */
export const FORM: Bodied = {
  paths: ['/v1/images/edits', '/v1/images/variations', deployment(MODEL, 'edits'), '/openai/v1/images/edits'],
  param: 'prompt',
  headers: azure,
  body: editForm,
  picture: 'required',
}
