import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { quote } from '../../src/catalog/quote'
import { asking, catalogue } from '../catalog/requests'
import { audit, micro, used } from '../support/accounting'
import { openai } from '../support/gateway'
import { internet } from '../support/internet'
import { deleteObjects } from '../support/objects'
import { picture } from '../support/pictures'
import { settings } from '../support/settings'
import { team } from '../support/teams'

const HOST = 'upstream.example.com'
const entry = { provider: 'openai', base_url: `https://${HOST}`, secret: 'KEY_OF_HOST' }
settings({
  UPSTREAMS: JSON.stringify([
    { ...entry, name: 'images', models: ['gpt-image-2'] },
    { ...entry, name: 'texts', models: ['gpt-5.2'], prices: { 'gpt-5.2': { text_in: 1, text_out: 10 } } },
  ]),
  DEMO_UPSTREAM: false,
  KEY_OF_HOST: 'sk-a',
})
afterEach(async () => {
  vi.restoreAllMocks()
  await deleteObjects()
})

/** More tokens than a picture can have; at its price they are 270 billion USD. */
const TOKENS = 9e15
const USAGE = { input_tokens: 4, output_tokens: TOKENS, total_tokens: TOKENS + 4 }

describe('a usage without bound is booked as 20 times its quote, an estimate,', () => {
  let bytes: Uint8Array
  beforeEach(async () => {
    bytes = await picture('one')
    const answers: Record<string, object> = {
      '/images/generations': { created: 1, data: [{ b64_json: bytes.toBase64() }], usage: USAGE },
      '/chat/completions': { choices: [], usage: { prompt_tokens: 1, completion_tokens: TOKENS } },
    }
    internet({ [HOST]: { handle: async (request) => Response.json(answers[new URL(request.url).pathname]) } })
  })

  test('for an image', async () => {
    const { key } = await team('acme', { budget_usd: 1000 })
    const said = { prompt: 'A cat', size: '1024x1024', quality: 'low' } as const
    const { data } = await openai({ apiKey: key }).images.generate({ ...said, model: 'gpt-image-2' })
    expect(data).toHaveLength(1)
    const most = 20 * (quote(asking('gpt-image-2', said), catalogue('gpt-image-2')) ?? 0)
    const [row] = await audit('acme')
    expect([micro(row?.cost_usd), micro(row?.estimated_usd), await used('acme')]).toEqual([most, most, most])
  })

  test('for a text with a limit', async () => {
    const { key } = await team('acme', { budget_usd: 1000 })
    await openai({ apiKey: key }).chat.completions.create({
      model: 'gpt-5.2',
      messages: [{ role: 'user', content: 'Hi' }],
      max_completion_tokens: 100,
    })
    await vi.waitFor(async () => expect((await audit('acme'))[0]?.status).toBe('succeeded'))
    const [row] = await audit('acme')
    expect(micro(row?.cost_usd)).toBe(micro(row?.estimated_usd))
    expect(micro(row?.cost_usd)).toBeLessThan(21 * (100 * 10 + 100))
  })
})

describe('a stream of two pictures with the same usage at each', () => {
  test.each([
    ['of one picture costs both', 196, 2 * 196],
    ['of the whole answer costs it once', 392, 392],
  ])('%s', async (_, output_tokens, tokens) => {
    const usage = { input_tokens: 2, output_tokens, total_tokens: output_tokens + 2 }
    const names = ['one', 'two']
    const events = await Promise.all(
      names.map(async (name) => {
        const b64_json = (await picture(name)).toBase64()
        return `data: ${JSON.stringify({ type: 'image_generation.completed', b64_json, usage })}\n\n`
      }),
    )
    const headers = { 'content-type': 'text/event-stream' }
    internet({ [HOST]: { handle: async () => new Response(events.join(''), { headers }) } })
    const { key } = await team('acme')
    const said = {
      model: 'gpt-image-2',
      prompt: 'Two',
      n: 2,
      size: '1024x1024',
      quality: 'low',
      partial_images: 1,
    } as const
    const stream = await openai({ apiKey: key }).images.generate({ ...said, stream: true })
    expect(await Array.fromAsync(stream)).toHaveLength(2)
    const [row] = await audit('acme')
    expect([row?.output_tokens, row?.estimated_usd]).toEqual([tokens, 0])
  })
})
