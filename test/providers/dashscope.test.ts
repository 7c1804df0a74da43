import { describe, expect, test } from 'vitest'
import { dashscopeProvider } from '../../src/providers/dashscope'
import { FakeDashscope } from '../support/fake-dashscope'
import { errorOf, openai, post } from '../support/gateway'
import { dataUrlOf, picture } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, run, type Told } from '../support/provider-run'

const [upstream] = playing(new FakeDashscope())

const MODEL = 'qwen-image-3.0'

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: MODEL, prompt, ...more })

const failing = async (fault: string): Promise<Told | undefined> =>
  (await run(asking(`A cat @fault=${fault}`, { model: MODEL, partials: 0 }), { upstream: accountOf(upstream) })).at(-1)

const messageOf = (...content: object[]): object => ({ messages: [{ role: 'user', content }] })

describe('the request', () => {
  test("is one message without a watermark, with nothing beyond the caller's parameters", async () => {
    const { data } = await openai().images.generate({ model: MODEL, prompt: 'A cat' })
    expect(data?.map(({ b64_json }) => b64_json)).toEqual([expect.stringMatching(/^iVBORw0KGgo/)])
    expect(upstream.sent).toMatchObject([
      {
        method: 'POST',
        path: '/api/v1/services/aigc/multimodal-generation/generation',
        headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
      },
    ])
    expect(upstream.sent[0]?.body).toEqual({
      model: MODEL,
      input: messageOf({ text: 'A cat' }),
      parameters: { n: 1, watermark: false },
    })
  })

  test('has every parameter of the model, and a size with an asterisk', async () => {
    const said = { model: 'qwen-image-3.0-pro', size: '1536x1024', n: 2, extras: { seed: 7, negative_prompt: 'dogs' } }
    const told = await run(asking('A cat', { ...said, partials: 0 }), { upstream: accountOf(upstream) })
    expect(told.at(-1)).toEqual({ type: 'summary', summary: { size: '1536x1024' } })
    expect(upstream.sent[0]?.body).toEqual({
      model: 'qwen-image-3.0-pro',
      input: messageOf({ text: 'A cat' }),
      parameters: { n: 2, size: '1536*1024', seed: 7, negative_prompt: 'dogs', watermark: false },
    })
  })

  test('has pictures to edit before its text, and no more than three', async () => {
    const [one, two] = [await picture('one'), await picture('two')]
    const image = [one, two].map((bytes, at) => new File([bytes], `${at}.png`, { type: 'image/png' }))
    const { data } = await openai().images.edit({ model: MODEL, prompt: 'Both', image })
    expect(data).toHaveLength(1)
    const content = [{ image: dataUrlOf(one) }, { image: dataUrlOf(two) }, { text: 'Both' }]
    expect(upstream.sent[0]?.body).toMatchObject({ input: messageOf(...content) })
    const refused = openai().images.edit({ model: MODEL, prompt: 'All', image: [...image, ...image] })
    await expect(refused).rejects.toMatchObject({ status: 400 })
    expect(upstream.sent).toHaveLength(1)
  })
})

test('an unknown model takes what the models of the API take', () => {
  const can = { sizes: { kind: 'range', min: 512, max: 2048 }, formats: ['png'], maxInputs: 3, maxImages: 6 }
  expect(dashscopeProvider.capability?.({ sizes: { kind: 'unknown' } }, 'house-art')).toMatchObject(can)
})

describe('the answer', () => {
  test('with fewer pictures than asked has those', async () => {
    const response = await ask('Cats @fault=partial', { n: 3 })
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
    expect(upstream.submits).toBe(1)
  })

  test("that refuses the content has the upstream's sentence, also with status 200", async () => {
    const refusal = { status: 400, code: 'moderation_blocked' }
    const message = 'Input data may contain inappropriate content.'
    expect(await errorOf(await ask('A cat @fault=moderation'))).toMatchObject({ ...refusal, message })
    const late = 'Output data may contain inappropriate content.'
    expect(await errorOf(await ask('A cat @fault=late-moderation'))).toMatchObject({ ...refusal, message: late })
    expect((await ask('A cat @fault=refusing-words')).status).toBe(400)
  })

  test.each([
    ['of too many requests limits the model', 'limited', { kind: 'throttled', facts: { scope: 'model' } }],
    ['of a used free quota is about the model', 'free-only', { kind: 'misconfigured', facts: { scope: 'model' } }],
    ['of an unknown model is about the model', 'no-model', { kind: 'misconfigured', facts: { scope: 'model' } }],
    ['of an unpaid bill is about the account', 'billing', { kind: 'misconfigured', facts: { scope: undefined } }],
    ['of a wrong key is about the account', 'unauthorized', { kind: 'misconfigured', facts: { scope: undefined } }],
    ['of an internal error may pass', 'error', { kind: 'unavailable' }],
    ['with a web page may pass', 'malformed', { kind: 'unavailable' }],
    ['with words alone is not for the same account', 'words', { facts: { isUnusable: true } }],
    ['with an expired link is lost', 'gone', { kind: 'lost' }],
  ])('%s', async (_, fault, error) => {
    expect(await failing(fault)).toMatchObject(error)
  })
})
