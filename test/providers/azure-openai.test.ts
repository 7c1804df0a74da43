import { describe, expect, test } from 'vitest'
import { FakeAzureOpenai } from '../support/fake-azure-openai'
import { errorOf, openai, post } from '../support/gateway'
import { pictureFile } from '../support/pictures'
import { playing } from '../support/playing'

const [upstream] = playing(new FakeAzureOpenai())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'gpt-image-2', prompt, ...more })

describe('sends', () => {
  test('a plain request with the deployment as its model', async () => {
    const { data } = await openai().images.generate({ model: 'gpt-image-2', prompt: 'A cat' })
    expect(data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
    expect(upstream.sent).toHaveLength(1)
    expect(upstream.sent[0]).toMatchObject({ method: 'POST', path: '/openai/v1/images/generations' })
    expect(upstream.sent[0]?.headers).toMatchObject({
      'api-key': 'key-of-the-fake',
      'content-type': 'application/json',
    })
    expect(upstream.sent[0]?.headers).not.toHaveProperty('authorization')
    expect(upstream.sent[0]?.body).toEqual({ model: 'pictures-eu', prompt: 'A cat' })
  })

  test('every parameter of OpenAI', async () => {
    const more = { n: 2, size: '1536x1024', quality: 'high', background: 'opaque', moderation: 'low', user: 'user-1' }
    const response = await ask('A cat', { ...more, output_format: 'webp', output_compression: 80 })
    expect(response.status).toBe(200)
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
    expect(upstream.sent[0]?.body).toEqual({
      model: 'pictures-eu',
      prompt: 'A cat',
      ...more,
      output_format: 'webp',
      output_compression: 80,
    })
  })

  test('an edit and its mask as a form', async () => {
    const [image, mask] = [await pictureFile('image', 1000), await pictureFile('mask', 500)]
    await openai().images.edit({ model: 'gpt-image-2', prompt: 'A hat', image, mask, quality: 'low' })
    expect(upstream.sent[0]).toMatchObject({ path: '/openai/v1/images/edits', headers: { 'api-key': upstream.key } })
    expect(upstream.sent[0]?.body).toEqual({
      model: 'pictures-eu',
      prompt: 'A hat',
      quality: 'low',
      image: { type: 'image/png', bytes: 1000 },
      mask: { type: 'image/png', bytes: 500 },
    })
  })

  test('a request for previews, and passes them on', async () => {
    const response = await ask('A cat', { stream: true, partial_images: 2 })
    const events = [...(await response.text()).matchAll(/^event: (.*)$/gm)].map(([, name]) => name)
    expect(events.filter((name) => name?.endsWith('.partial_image'))).toHaveLength(2)
    expect(events.at(-1)).toBe('image_generation.completed')
    expect(upstream.sent[0]?.body).toEqual({ model: 'pictures-eu', prompt: 'A cat', stream: true, partial_images: 2 })
  })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 0],
    ['refuses the picture that it made', 'output-moderation', 400, 0],
    ['names its policy inside the error only', 'policy', 400, 0],
    ['refuses the content with a good status', 'filtered-inside', 400, 1],
    ['is called too often', 'limited', 503, 0],
    ['has no quota left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['has no such deployment', 'no-deployment', 503, 0],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['fails', 'error'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })

  test.each(['moderation', 'policy', 'filtered-inside'])(
    'filters content (%s), the caller gets its sentence',
    async (fault) => {
      const error = await errorOf(await ask(`A cat @fault=${fault}`))
      expect(error).toMatchObject({
        code: 'moderation_blocked',
        message: expect.stringMatching(/safety system|filtered/),
      })
    },
  )

  test('names a wait in its sentence only, the caller gets that wait', async () => {
    const response = await ask('A cat @fault=limited')
    expect(response.headers.get('retry-after')).toBe('7')
  })

  test('refuses the content in the midst of a stream, the caller gets the reason', async () => {
    const response = await ask('A cat @fault=filtered-inside', { stream: true, partial_images: 1 })
    expect(await response.text()).toMatch(/"code":"moderation_blocked"/)
  })

  test('makes fewer pictures than requested, the caller gets those', async () => {
    const response = await ask('A cat @fault=partial', { n: 2 })
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(1)
  })
})
