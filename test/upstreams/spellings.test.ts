import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FakeOpenai } from '../support/fake-openai'
import { internet } from '../support/internet'
import { deleteObjects } from '../support/objects'
import { settings } from '../support/settings'
import { ask, team } from '../support/teams'

const RELAY = { provider: 'openai', secret: 'UPSTREAM_KEY', base_url: 'https://relay.example.com/v1' }
settings({
  UPSTREAMS: JSON.stringify([
    { ...RELAY, name: 'lister', models: ['acme/gpt-image-2=gpt-image-2.5-flare', 'House-Art=gpt-image-2'] },
    { ...RELAY, name: 'all', models: ['*'], priority: 1, prices: { 'resold/gpt-image-2': { image: 0.5 } } },
  ]),
  MODELS: {},
  MODEL_ALIASES: { 'house-style': 'gpt-image-2' },
})

const relay = new FakeOpenai()
beforeEach(() => {
  relay.reset()
  internet({ 'relay.example.com': relay })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await deleteObjects()
})

async function asked(key: string, model: string) {
  const response = await ask(key, { model })
  await response.text()
  const told = (name: string): string | null => response.headers.get(name)
  return { status: response.status, model: told('x-model'), cache: told('x-cache'), cost: told('x-cost-usd') }
}

describe('at an upstream of all models', () => {
  test.each([
    'openai/gpt-image-2',
    'GPT-Image-2',
    'OpenAI/GPT-Image-2',
    'relays/openai/gpt-image-2',
    'House-Style',
    'models/gpt-image-2',
  ])('%s is the model of the catalogue, with its price, its cache and its limits', async (name) => {
    const { key } = await team('acme', { budget_usd: 5, models: ['gpt-image-2'] })
    const plain = await asked(key, 'gpt-image-2')
    expect(plain).toMatchObject({ status: 200, model: 'gpt-image-2', cache: 'MISS' })
    expect(Number(plain.cost)).toBeGreaterThan(0)
    expect(await asked(key, name)).toMatchObject({ status: 200, model: 'gpt-image-2', cache: 'HIT' })
    expect(relay.calls.map(({ fields }) => fields['model'])).toEqual(['gpt-image-2'])
  })

  test.each([
    ['GPT-Image-2-2026-04-21', 'gpt-image-2-2026-04-21'],
    ['openai/DALL-E-3', 'gpt-image-2.5-sunburst'],
    ['acme/gpt-image-2', 'gpt-image-2.5-flare'],
    ['ACME/GPT-Image-2', 'gpt-image-2.5-flare'],
    ['house-art', 'gpt-image-2'],
    ['maker/relay-art', 'maker/relay-art'],
    ['Relay-Art', 'Relay-Art'],
    ['resold/gpt-image-2', 'resold/gpt-image-2'],
  ])('%s is asked for as %s', async (name, theirs) => {
    const { key } = await team('acme')
    await asked(key, name)
    expect(relay.calls.map(({ fields }) => fields['model'])).toEqual([theirs])
  })
})
