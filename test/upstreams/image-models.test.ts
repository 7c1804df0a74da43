import { expect, test } from 'vitest'
import * as z from 'zod'
import { catalogueOf } from '../../src/upstreams/catalogue'
import { configuredUpstreams, upstreamSetting } from '../../src/upstreams/configured'
import { isImageModel } from '../../src/upstreams/names'

const entry = { secret: 'KEY', base_url: 'https://relay.example.com/v1' }

const config = {
  aliases: new Map([
    ['house-style', 'gpt-image-2'],
    ['house-router', 'openai/gpt-image-2'],
    ['house-text', 'gpt-5.2'],
    ['gpt-image-texts', 'gpt-5.2'],
  ]),
  catalogue: catalogueOf({ 'house-art': {}, 'house-relay': { qualities: ['hd'] } }),
  upstreams: configuredUpstreams(
    z.array(upstreamSetting).parse([
      {
        ...entry,
        name: 'pictures',
        provider: 'openai-chat',
        models: ['sora_image=gpt-4o-image', 'acme/painter', 'chat-*'],
      },
      { ...entry, name: 'texts', provider: 'openai', models: ['house-router-2', 'gpt-5.2'] },
    ]),
    { on: false, delayMs: 0, models: [] },
    { secret: () => 'key', ai: undefined },
  ),
}

test.each([
  ['of the catalogue', 'gpt-image-2'],
  ['of another maker', 'gemini-3-pro-image'],
  ['with slashes of its own', '@cf/black-forest-labs/flux-1-schnell'],
  ['of a dated snapshot', 'gpt-image-2-2026-04-21'],
  ['of a model that was shut down', 'dall-e-3'],
  ['of a snapshot of one', 'gpt-image-1-2025-04-23'],
  ['of one of which only the successor is known', 'imagen-4.0-generate-001'],
  ['that only the settings know', 'house-art'],
  ['of which the settings say something', 'house-relay'],
  ["that looks like a provider's", 'gpt-image-3'],
  ['that the operator gave it', 'house-style'],
  ["that the operator gave a vendor's", 'house-router'],
  ['after a vendor', 'openai/gpt-image-2'],
  ['after another vendor', 'google/gemini-3-pro-image'],
  ['after several', 'openrouter/openai/gpt-image-3'],
  ['that an upstream for pictures alone is listed with', 'sora_image'],
  ['that it is listed with, with a slash of its own', 'acme/painter'],
  ['that it is listed with, after a vendor', 'openai/sora_image'],
  ["as Gemini's resources are called", 'models/gemini-3-pro-image'],
])('a name %s is an image model: %s', (_, name) => {
  expect(isImageModel(name, config)).toBe(true)
})

test.each([
  ['of a text model', 'gpt-5.2'],
  ['of a text model of a vendor', 'google/gemini-3-pro'],
  ['of a text model of Workers AI', '@cf/meta/llama-3.1-8b-instruct'],
  ['that the operator gave a text model', 'house-text'],
  ['that the operator gave a text model, whatever it looks like', 'gpt-image-texts'],
  ['that an upstream is listed with that serves text as well', 'house-router-2'],
  ['that a pattern of an upstream for pictures alone covers', 'chat-large'],
  ['that is such a pattern', 'chat-*'],
  ["that is but the upstream's own for one", 'gpt-4o-image'],
  ['that ends like one', 'not-gpt-image-2'],
  ['of a vendor alone', 'openai/'],
  ['of nothing', ''],
  ['of an object property', 'constructor'],
])('a name %s is none: %j', (_, name) => {
  expect(isImageModel(name, config)).toBe(false)
})
