import { describe, expect, test } from 'vitest'
import { KEY, knock } from '../support/gateway'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const MODEL = 'gpt-image-2'
const URL = 'https://pictures.example.com/a.png'

/** The routes, a good request of each, and the place of each foreign parameter there. */
const ROUTES: [path: string, body: Record<string, unknown>, places: Record<string, string>][] = [
  [
    '/v1/images/generations',
    { model: MODEL, prompt: 'A cat' },
    {
      messages: 'prompt',
      contents: 'prompt',
      input: 'prompt',
      variants: 'n',
      urls: 'images',
      mimeType: 'output_format',
    },
  ],
  [
    '/v1/chat/completions',
    { model: MODEL, messages: [{ role: 'user', content: 'A cat' }] },
    {
      prompt: 'messages',
      contents: 'messages',
      images: 'messages',
      image: 'messages',
      urls: 'messages',
      variants: 'n',
    },
  ],
  [
    '/v1/responses',
    { model: MODEL, input: 'A cat', tools: [{ type: 'image_generation' }] },
    {
      messages: 'input',
      images: 'input',
      size: 'tools[0].size',
      quality: 'tools[0].quality',
      aspect_ratio: 'tools[0].size',
    },
  ],
  [
    '/v1beta/models/gpt-image-2:generateContent',
    { contents: [{ parts: [{ text: 'A cat' }] }] },
    {
      size: 'generationConfig.imageConfig',
      aspectRatio: 'generationConfig.imageConfig',
      n: 'generationConfig.candidateCount',
      prompt: 'contents',
      messages: 'contents',
      images: 'contents',
    },
  ],
  [
    '/api/v1/images',
    { model: MODEL, prompt: 'A cat' },
    { images: 'input_references', image: 'input_references', messages: 'prompt', imageSize: 'size', variants: 'n' },
  ],
  ['/v1/draw/completions', { model: MODEL }, { messages: 'prompt' }],
  ['/v1/api/generate', { model: MODEL }, { contents: 'prompt' }],
]

const values: Record<string, unknown> = { n: 2, variants: 2, images: [URL], urls: [URL], image: URL, messages: [] }

describe.each(ROUTES)('%s', (path, body, places) => {
  test.each(Object.entries(places))('refuses %s by its name, and says that it belongs in %s', async (sent, home) => {
    const response = await knock(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, [sent]: values[sent] ?? 'something' }),
    })
    expect(await response.text()).toContain(`Unknown parameter: '${sent}'. Here it belongs in '${home}'.`)
    expect(upstream.calls).toHaveLength(0)
  })
})

test.each([
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'A cat' }] }, 'output_format'],
  ['/v1/responses', { input: 'A cat' }, 'tools[0].output_format'],
])('%s words a transparent jpeg by its own parameter, %s', async (path, body, format) => {
  const settings = { background: 'transparent', output_format: 'jpeg' }
  const model = 'gpt-image-2.5-flare'
  const tool = { type: 'image_generation', model, ...settings }
  const response = await knock(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, ...body, ...('input' in body ? { tools: [tool] } : settings) }),
  })
  expect([response.status, await response.text()]).toEqual([
    400,
    expect.stringContaining(`Set ${format} to png or webp.`),
  ])
})
