import { describe, expect, test } from 'vitest'
import { togetherProvider } from '../../src/providers/together'
import { FakeTogether } from '../support/fake-together'
import { openai, post } from '../support/gateway'
import { accountOf, asking, run } from '../support/provider-run'
import { dataUrlOf, picture } from '../support/pictures'
import { playing } from '../support/playing'

const [upstream] = playing(new FakeTogether())

const MODEL = 'black-forest-labs/FLUX.2-flex'
const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: MODEL, prompt, ...more })

const fileOf = (bytes: Uint8Array<ArrayBuffer>): File => new File([bytes], 'a.png', { type: 'image/png' })
const usual = { n: 1, output_format: 'png', response_format: 'base64' }

describe('sends', () => {
  test('a plain request to a model with its maker in its name', async () => {
    const { data } = await openai().images.generate({ model: MODEL, prompt: 'A cat' })
    expect(data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
    expect(upstream.sent).toHaveLength(1)
    expect(upstream.sent[0]).toMatchObject({
      method: 'POST',
      path: '/v1/images/generations',
      headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
    })
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'A cat', ...usual })
  })

  test('size, format, number and leniency under its own names', async () => {
    const response = await ask('A cat', { n: 2, size: '1280x720', output_format: 'jpeg', moderation: 'low' })
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
    expect(upstream.sent[0]?.body).toEqual({
      model: MODEL,
      prompt: 'A cat',
      ...usual,
      n: 2,
      width: 1280,
      height: 720,
      output_format: 'jpeg',
      disable_safety_checker: true,
    })
  })

  test('parameters of the sampling under its own names', async () => {
    const extras = { seed: 7, negative_prompt: 'dogs', steps: 20, guidance: 3.5 }
    await run(asking('A cat', { model: MODEL, extras }), { upstream: accountOf(upstream) })
    const { guidance: guidance_scale, ...same } = extras
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'A cat', ...usual, ...same, guidance_scale })
  })

  test('pictures to edit as a list of data URLs', async () => {
    const [one, two] = [await picture('one'), await picture('two')]
    await openai().images.edit({ model: MODEL, prompt: 'Both', image: [fileOf(one), fileOf(two)] })
    const reference_images = [dataUrlOf(one), dataUrlOf(two)]
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'Both', ...usual, reference_images })
  })

  test('the one picture that a Kontext model edits under its own name', async () => {
    const one = await picture('one')
    await openai().images.edit({ model: upstream.kontext, prompt: 'A hat', image: fileOf(one) })
    expect(upstream.sent[0]?.body).toEqual({
      model: upstream.kontext,
      prompt: 'A hat',
      ...usual,
      image_url: dataUrlOf(one),
    })
  })
})

test('of models that others have too, it makes the parameters of this API', () => {
  const model = { sizes: { kind: 'unknown' }, formats: ['webp', 'png'], maxImages: 10, style: true } as const
  expect(togetherProvider.capability?.(model, 'house-art')).toMatchObject({
    sizes: { kind: 'unknown' },
    formats: ['png'],
    extras: ['seed', 'negative_prompt', 'steps', 'guidance'],
    maxImages: 4,
    style: false,
  })
})

test('fewer pictures than requested are delivered', async () => {
  const response = await ask('A cat @fault=partial', { n: 3 })
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
})

describe('when the upstream', () => {
  test.each([
    ['refuses the content', 'moderation', 400],
    ['is called too often', 'limited', 503],
    ['has no credit left', 'billing', 503],
    ['rejects the key', 'unauthorized', 503],
    ['has no such model', 'no-model', 503],
    ['answers with a web page', 'malformed', 502],
    ['fails', 'error', 502],
    ['fails with a good status', 'error-inside', 502],
    ['makes none of the pictures', 'partial', 502],
  ])('%s, the caller gets the right error', async (_, fault, status) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(status)
  })

  test.each(['moderation', 'limited', 'billing', 'unauthorized', 'no-model'])(
    'refuses (%s), nothing is paid',
    async (fault) => {
      await ask(`A cat @fault=${fault}`)
      expect([upstream.sent.length, upstream.submits]).toEqual([1, 0])
    },
  )

  test('refuses the content, the caller gets a content refusal', async () => {
    expect(await (await ask('A cat @fault=moderation')).text()).toContain('"code":"moderation_blocked"')
  })
})
