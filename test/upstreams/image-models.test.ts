import { expect, test } from 'vitest'
import * as z from 'zod'
import { catalogueOf } from '../../src/upstreams/catalogue'
import { configuredUpstreams, upstreamSetting } from '../../src/upstreams/configured'
import { isImageModel, spellingsOf } from '../../src/upstreams/names'

const entry = { secret: 'KEY', base_url: 'https://relay.example.com/v1' }

const aliases = new Map([
  ['house-style', 'gpt-image-2'],
  ['house-router', 'openai/gpt-image-2'],
  ['house-text', 'gpt-5.2'],
  ['gpt-image-texts', 'gpt-5.2'],
])
const upstreams = configuredUpstreams(
  z.array(upstreamSetting).parse([
    {
      ...entry,
      name: 'pictures',
      provider: 'openai-chat',
      models: ['sora_image=gpt-4o-image', 'acme/painter', 'chat-*'],
    },
    { ...entry, name: 'texts', provider: 'openai', models: ['house-router-2', 'gpt-5.2'] },
  ]),
  { isOn: false, models: [], options: {} },
  { secret: () => 'key', own: new Map(), binding: () => undefined },
)
const config = {
  aliases,
  upstreams,
  catalogue: catalogueOf({ 'house-art': {}, 'house-relay': { qualities: ['hd'] } }),
  spellings: spellingsOf(['house-art', 'house-relay'], aliases, upstreams),
}

test.each([
  ['of the catalogue', 'gpt-image-2'],
  ['of another maker', 'gemini-3-pro-image'],
  ['with slashes of its own', '@cf/black-forest-labs/flux-1-schnell'],
  ['of a dated snapshot', 'gpt-image-2-2026-04-21'],
  ['of a retired model', 'dall-e-3'],
  ['of a retired snapshot', 'gpt-image-1-2025-04-23'],
  ['of a model known by its successor alone', 'imagen-4.0-generate-001'],
  ['from the settings alone', 'house-art'],
  ['with an entry in the settings', 'house-relay'],
  ["in the form of a provider's", 'gpt-image-3'],
  ["from the operator's aliases", 'house-style'],
  ["from the operator's aliases for a vendor's", 'house-router'],
  ['after a vendor', 'openai/gpt-image-2'],
  ['after another vendor', 'google/gemini-3-pro-image'],
  ['after several', 'openrouter/openai/gpt-image-3'],
  ['from an upstream for pictures alone', 'sora_image'],
  ["from an upstream's list, with a slash of its own", 'acme/painter'],
  ["from an upstream's list, after a vendor", 'openai/sora_image'],
  ['in capitals', 'GPT-Image-2'],
  ["in the form of Gemini's resources", 'models/gemini-3-pro-image'],
])('a name %s is an image model: %s', (_, name) => {
  expect(isImageModel(name, config)).toBe(true)
})

test.each([
  ['of a text model', 'gpt-5.2'],
  ['of a text model of a vendor', 'google/gemini-3-pro'],
  ['of a text model of Workers AI', '@cf/meta/llama-3.1-8b-instruct'],
  ["from the operator's aliases for a text model", 'house-text'],
  ["from the operator's aliases for a text model, in the form of an image model", 'gpt-image-texts'],
  ['from the list of an upstream that serves text as well', 'house-router-2'],
  ['under a pattern of an upstream for pictures alone', 'chat-large'],
  ['equal to such a pattern', 'chat-*'],
  ["known as an upstream's own name alone", 'gpt-4o-image'],
  ['with the ending of one', 'not-gpt-image-2'],
  ['of a vendor alone', 'openai/'],
  ['of nothing', ''],
  ['of an object property', 'constructor'],
])('a name %s is no image model: %j', (_, name) => {
  expect(isImageModel(name, config)).toBe(false)
})
