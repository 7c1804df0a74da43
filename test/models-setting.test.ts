import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { quote } from '../src/catalog/quote'
import { configOf } from '../src/config'
import { candidates } from '../src/upstreams/candidates'
import { asking } from './catalog/requests'
import { errorOf, KEY, post } from './support/gateway'
import { askWith } from './support/settings'
import { upstreams } from './support/upstreams'

const MODELS = {
  'house-art': {
    like: 'gpt-image-2',
    sizes: ['1024x1024', '2048x2048'],
    qualities: ['standard', 'hd'],
    prices: { image: { standard: 0.01, 'hd 2048x2048': 0.05, hd: 0.02 } },
  },
  'gpt-image-2': { prices: { text_in: 4, image_in: 6, image_out: 24 } },
  'any-art': { sizes: 'any', formats: ['webp'] },
}

describe.each([
  ['a table', MODELS],
  ['a JSON string', JSON.stringify(MODELS)],
])('models set as %s', (_, given) => {
  const { catalogue } = configOf({ ...env, MODELS: given })
  const quoted = (model: string, said: object): number | undefined => quote(asking(model, said), catalogue(model))

  test('are quoted at their own prices', () => {
    expect(quoted('house-art', { quality: 'standard', n: 2 })).toBe(20_000)
    expect(quoted('house-art', { quality: 'hd', size: '2048x2048' })).toBe(50_000)
    expect(quoted('gpt-image-2', { quality: 'low', size: '1024x1024' })).toBe(6 * 4 + 196 * 24)
    expect(quoted('any-art', {})).toBeUndefined()
  })

  test('have the given abilities, and otherwise those of the model that they are like', () => {
    expect(catalogue('house-art')).toMatchObject({ qualities: ['standard', 'hd'], moderations: ['auto', 'low'] })
    expect(catalogue('any-art')).toEqual({ sizes: { kind: 'unknown' }, formats: ['webp'] })
  })
})

describe('a model that exists by settings alone', () => {
  upstreams()
  const ask = (said: object): Promise<Response> => post('/v1/images/generations', { prompt: 'A cat', ...said })

  test('is drawn by the demo without another upstream', async () => {
    const response = await ask({ model: 'house-art', quality: 'hd' })
    expect([response.status, response.headers.get('x-upstream')]).toEqual([200, 'demo'])
    expect(response.headers.get('x-adjusted')).toBeNull()
  })

  test('takes what its settings list, and refuses the rest', async () => {
    const refused = await errorOf(await ask({ model: 'house-art', size: '1536x1024' }))
    expect(refused).toMatchObject({ status: 400, param: 'size', message: expect.stringContaining("'2048x2048', and") })
  })

  test('makes its own format', async () => {
    const response = await ask({ model: 'any-art', size: '777x333' })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'output_format=png>webp'])
  })

  test('goes to an upstream that lists it, and otherwise to the demo', () => {
    const relay = { name: 'relay', provider: 'openai', secret: 'UPSTREAM_KEY', models: ['house-*'] }
    const config = configOf({ ...env, UPSTREAMS: [relay] })
    const names = (model: string): string[] =>
      candidates(config, model, Date.now()).map(({ upstream }) => upstream.name)
    expect([names('house-art'), names('any-art'), names('unheard-of')]).toEqual([['relay'], ['demo'], []])
  })

  test('is not drawn under a retired name, which its successor serves', () => {
    const config = configOf({ ...env, MODELS: { 'gpt-image-1': { prices: { image: 0.02 } } } })
    expect(candidates(config, 'gpt-image-1', Date.now())).toEqual([])
  })
})

describe('a request without a model', () => {
  upstreams()

  test('is one for the DEFAULT_MODEL of the settings', async () => {
    const response = await askWith({ DEFAULT_MODEL: 'house-style' }, KEY, { model: undefined })
    expect([response.status, response.headers.get('x-model')]).toEqual([200, 'gpt-image-2'])
  })

  test('is refused as by the API without that', async () => {
    const error = await errorOf(await askWith({}, KEY, { model: undefined }))
    expect(error).toMatchObject({ status: 400, code: 'missing_required_parameter', param: 'model' })
  })
})
