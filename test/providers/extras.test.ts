import { describe, expect, test } from 'vitest'
import { FakeArk } from '../support/fake-ark'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs'
import { FakeFal } from '../support/fake-fal'
import { FakeFireworks } from '../support/fake-fireworks'
import { FakeGemini } from '../support/fake-gemini'
import { FakeIdeogram } from '../support/fake-ideogram'
import { FakeOpenrouter } from '../support/fake-openrouter'
import { FakeRecraft } from '../support/fake-recraft'
import { FakeReplicate } from '../support/fake-replicate'
import { FakeStability } from '../support/fake-stability'
import { FakeTogether } from '../support/fake-together'
import { FakeWorkersAi } from '../support/fake-workers-ai'
import { errorOf, post, postForm } from '../support/gateway'
import { pictureFile } from '../support/pictures'
import { playing } from '../support/playing'

const fakes = playing(
  new FakeArk(),
  new FakeBlackForestLabs(),
  new FakeFal(),
  new FakeFireworks(),
  new FakeGemini(),
  new FakeIdeogram(),
  new FakeOpenrouter(),
  new FakeRecraft(),
  new FakeReplicate(),
  new FakeStability(),
  new FakeTogether(),
  new FakeWorkersAi(),
)

type Fields = Record<string, unknown>

const ask = (model: string, said: Fields, headers: Record<string, string> = {}): Promise<Response> =>
  post('/v1/images/generations', { model, prompt: 'A cat', ...said }, headers)

/** The bodies of the submitting calls of every upstream. */
const submitted = (): unknown[] =>
  fakes.flatMap(({ sent }) => sent).flatMap(({ method, body }) => (method === 'POST' ? [body] : []))

describe("an extra parameter is sent under the upstream's name:", () => {
  const tuned = { seed: 7, steps: 20, guidance: 3.5 }
  test.each<[string, Fields, Fields]>([
    ['doubao-seedream-4-0-250828', { seed: 7, guidance: 3.5 }, { seed: 7, guidance_scale: 3.5 }],
    ['flux-2-flex', tuned, tuned],
    ['fal-ai/flux/dev', tuned, { seed: 7, num_inference_steps: 20, guidance_scale: 3.5 }],
    ['flux-1-schnell-fp8', { seed: 7 }, { seed: 7 }],
    ['gemini-nano-banana-2.1', { seed: 7 }, { generationConfig: expect.objectContaining({ seed: 7 }) }],
    [
      'ideogram-v3',
      { seed: 7, negative_prompt: 'dogs', style: 'realistic' },
      { seed: '7', negative_prompt: 'dogs', style_type: 'REALISTIC' },
    ],
    ['bytedance-seed/seedream-4.5', { seed: 7 }, { seed: 7 }],
    ['recraftv3', { negative_prompt: 'dogs', style: 'icon' }, { negative_prompt: 'dogs', style: 'icon' }],
    [
      'black-forest-labs/flux-dev',
      tuned,
      { input: expect.objectContaining({ seed: 7, num_inference_steps: 20, guidance: 3.5 }) },
    ],
    [
      'stable-image-core',
      { seed: 0, negative_prompt: 'dogs', style: 'Pixel-Art' },
      { seed: '0', negative_prompt: 'dogs', style_preset: 'pixel-art' },
    ],
    ['sd3.5-large', { guidance: 4 }, { cfg_scale: '4' }],
    ['black-forest-labs/FLUX.2-flex', tuned, { seed: 7, steps: 20, guidance_scale: 3.5 }],
    [
      '@cf/stabilityai/stable-diffusion-xl-base-1.0',
      { ...tuned, negative_prompt: 'dogs', strength: 0.5 },
      { seed: 7, num_steps: 20, guidance: 3.5, negative_prompt: 'dogs', strength: 0.5 },
    ],
  ])('%s: %j', async (model, said, sent) => {
    const response = await ask(model, said)
    expect([response.status, response.headers.get('x-adjusted')?.includes('style') ?? false]).toEqual([200, false])
    expect(submitted()).toEqual([expect.objectContaining(sent)])
  })
})

describe('an edit has them in a form:', () => {
  const edit = async (model: string, said: [string, string][]): Promise<Response> => {
    const image = await pictureFile('one')
    return await postForm('/v1/images/edits', [['model', model], ['prompt', 'A cat'], ['image', image], ...said])
  }

  test.each<[string, [string, string][], Fields]>([
    [
      'fal-ai/flux/dev/image-to-image',
      [
        ['seed', '-1'],
        ['steps', '20'],
        ['guidance', '3.5'],
        ['strength', '0.8'],
      ],
      { seed: -1, num_inference_steps: 20, guidance_scale: 3.5, strength: 0.8 },
    ],
    ['recraftv3', [['strength', '1']], { strength: '1' }],
    ['stable-image-ultra', [['strength', '0.25']], { strength: '0.25' }],
  ])('%s: %j', async (model, said, sent) => {
    expect((await edit(model, said)).status).toBe(200)
    expect(submitted()).toEqual([expect.objectContaining(sent)])
  })

  test.each([
    ['seed', '1.5', 'invalid_type', 'an integer'],
    ['strength', 'much', 'invalid_type', 'a number'],
    ['strength', '1.5', 'decimal_above_max_value', '<= 1'],
  ])('%s=%s is refused', async (name, value, code, message) => {
    const error = await errorOf(await edit('recraftv3', [[name, value]]))
    expect(error).toMatchObject({ status: 400, code, param: name, message: expect.stringContaining(message) })
  })
})

describe('is refused without a call:', () => {
  test.each<[string, Fields, string, string, string]>([
    ['flux-2-pro', { steps: 20 }, 'steps', 'unknown_parameter', "Unknown parameter: 'steps'."],
    ['recraftv4_1', { negative_prompt: 'dogs' }, 'negative_prompt', 'unknown_parameter', 'Unknown parameter'],
    ['fal-ai/flux/dev', { strength: 0.5 }, 'strength', 'unknown_parameter', 'Unknown parameter'],
    ['gemini-nano-banana-2.1', { guidance: 1 }, 'guidance', 'unknown_parameter', 'Unknown parameter'],
    ['gpt-image-2', { seed: 7 }, 'seed', 'unknown_parameter', 'Unknown parameter'],
    ['fal-ai/flux/dev', { steps: 0 }, 'steps', 'integer_below_min_value', '>= 1'],
    ['fal-ai/flux/dev', { seed: 0.5 }, 'seed', 'invalid_type', 'expected an integer, but got a decimal number'],
    ['fal-ai/flux/dev', { seed: '7' }, 'seed', 'invalid_type', 'expected an integer, but got a string'],
    ['fal-ai/flux/dev', { guidance: '3' }, 'guidance', 'invalid_type', 'expected a number, but got a string'],
    ['recraftv3', { strength: -0.5 }, 'strength', 'decimal_below_min_value', '>= 0, but got -0.5'],
    ['recraftv3', { strength: 2 }, 'strength', 'integer_above_max_value', '<= 1, but got 2'],
    ['recraftv4_1', { style: 'icon' }, 'style', 'unknown_parameter', "Unknown parameter: 'style'."],
    ['ideogram-v3', { style: 'anime' }, 'style', 'invalid_value', "'DESIGN', and 'FICTION'"],
  ])('%s: %j', async (model, said, param, code, message) => {
    const error = await errorOf(await ask(model, said))
    expect(error).toMatchObject({ status: 400, param, code, message: expect.stringContaining(message) })
    expect(submitted()).toEqual([])
  })
})

describe('a default style of some clients is left out with a note for a model with other styles:', () => {
  test.each([
    ['recraftv3', 'style', "Unknown parameter: 'style'."],
    ['recraftv4_1', 'style', "Unknown parameter: 'style'."],
    ['ideogram-v3', 'style_type', "Invalid value: 'vivid'. Supported values are: 'AUTO', 'GENERAL'"],
    ['stable-image-core', 'style_preset', "Invalid value: 'vivid'. Supported values are: '3d-model'"],
  ])('%s', async (model, theirs, refusal) => {
    const response = await ask(model, { style: 'vivid' })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'style'])
    expect(submitted()).toEqual([expect.not.objectContaining({ [theirs]: expect.anything() })])
    const strict = await errorOf(await ask(model, { style: 'vivid' }, { 'x-strict': 'true' }))
    expect(strict).toMatchObject({ status: 400, param: 'style', message: expect.stringContaining(refusal) })
  })
})

test('each of several calls has a seed of its own, so that no two pictures are the same', async () => {
  expect((await ask('flux-2-pro', { seed: 7, n: 3 })).status).toBe(200)
  expect(submitted()).toHaveLength(3)
  for (const seed of [7, 8, 9]) expect(submitted()).toContainEqual(expect.objectContaining({ seed }))
})
