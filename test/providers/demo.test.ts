import { PhotonImage } from '@cf-wasm/photon/others'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DEFAULTS, type ImageRequest } from '../../src/image/request'
import { demoProvider } from '../../src/providers/demo'
import type { ProviderEvent, Upstream } from '../../src/providers/provider'
import { openai, post, postForm } from '../support/gateway'
import { pictureFile } from '../support/pictures'
import { deleteObjects } from '../support/objects'

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await deleteObjects()
})

/** A model of the settings that no upstream of the tests serves. */
const model = 'demo-art'

interface Decoded {
  width: number
  height: number
  at: (x: number, y: number) => number[]
}

/** With the library as the demo has loaded it by then. */
function decode(base64: string | undefined): Decoded {
  const image = PhotonImage.new_from_byteslice(Uint8Array.fromBase64(base64 ?? ''))
  const [width, height, pixels] = [image.get_width(), image.get_height(), image.get_raw_pixels()]
  image.free()
  return { width, height, at: (x, y) => Array.from(pixels.slice((y * width + x) * 4, (y * width + x) * 4 + 4)) }
}

test.each([
  ['png', '1024x1024', '\x89PNG'],
  ['jpeg', '1536x1024', '\xff\xd8\xff'],
  ['webp', '1024x1536', 'RIFF'],
] as const)('draws a %s of %s that decodes', async (output_format, size, magic) => {
  const { data } = await openai().images.generate({ model, prompt: 'A lighthouse', size, output_format })
  expect(atob(data?.[0]?.b64_json ?? '').startsWith(magic)).toBe(true)
  const { width, height } = decode(data?.[0]?.b64_json)
  expect(`${width}x${height}`).toBe(size)
})

test('draws the same for the same request, and another picture for each of n', async () => {
  const draw = async (): Promise<(string | undefined)[]> => {
    const { data } = await openai().images.generate(
      { model, prompt: 'A lighthouse', n: 2 },
      { headers: { 'cache-control': 'no-store' } },
    )
    return data?.map(({ b64_json }) => b64_json) ?? []
  }
  const [first, second] = [await draw(), await draw()]
  expect(second).toEqual(first)
  expect(first[0]).not.toBe(first[1])
})

test('shows the input images', async () => {
  const image = await pictureFile('input')
  const { data } = await openai().images.edit({ model, prompt: 'Tidy up', image, size: '1024x1024' })
  const { at } = decode(data?.[0]?.b64_json)
  // A row of the backdrop has one colour, so that another colour in its middle is the input.
  expect(at(1020, 870)).toEqual(at(5, 870))
  expect(at(512, 870)).not.toEqual(at(5, 870))
})

test('refuses an input that cannot be decoded, as the API does', async () => {
  const broken = new File([new Uint8Array(await (await pictureFile('a')).arrayBuffer()).subarray(0, 60)], 'a.png')
  const response = await postForm('/v1/images/edits', [
    ['model', model],
    ['prompt', 'Tidy up'],
    ['image', broken],
  ])
  expect(await response.json()).toMatchObject({ error: { code: 'invalid_image_file' } })
})

test('draws a prompt in any script and of any length', async () => {
  const response = await post('/v1/images/generations', {
    model,
    prompt: `黄昏的灯塔 🗼 ${'words and '.repeat(3000)}`,
    response_format: 'url',
  })
  expect(response.status).toBe(200)
})

describe('with a delay', () => {
  const request: ImageRequest = {
    operation: 'generate',
    model,
    prompt: 'A lighthouse',
    ...DEFAULTS,
    extras: {},
    images: [],
    partials: 0,
  }
  const NOW = Date.UTC(2026, 0, 1)
  const upstream = (delayMs: number): Upstream => ({
    name: 'demo',
    provider: demoProvider,
    account: 0,
    credential: '',
    baseUrl: '',
    models: [],
    priority: 0,
    weight: 1,
    isFallback: true,
    timeoutMs: 60_000,
    options: { delayMs },
    prices: new Map(),
  })

  /** The reported progress and the pauses before its steps, in ms. The clock stands still, and pauses end at once. */
  async function told(
    delayMs: number,
    job?: string,
    signal = new AbortController().signal,
  ): Promise<{ events: ProviderEvent[]; pausesMs: number[] }> {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW })
    const { setTimeout } = globalThis
    const pausesMs: number[] = []
    vi.spyOn(globalThis, 'setTimeout').mockImplementation((call, ms = 0) => {
      pausesMs.push(ms)
      return setTimeout(call)
    })
    const none = (): never => {
      throw new Error('nothing is to be read')
    }
    const events: ProviderEvent[] = []
    for await (const event of demoProvider.generate(request, upstream(delayMs), {
      model,
      signal,
      open: none,
      download: none,
      job,
    }))
      events.push(event)
    return { events, pausesMs }
  }
  const tens = (from: number): object[] =>
    Array.from({ length: 11 - from }, (_, step) => ({ type: 'progress', percent: 10 * (from + step) }))
  const drawn = [{ type: 'image', index: 0 }, { type: 'summary' }]

  test('reports its progress in ten steps', async () => {
    const { events, pausesMs } = await told(200)
    expect(events).toMatchObject([{ type: 'accepted', job: String(NOW) }, ...tens(1), ...drawn])
    expect(pausesMs).toEqual([20, 40, 60, 80, 100, 120, 140, 160, 180, 200])
  })

  test('resumes an earlier run and begins nothing anew', async () => {
    const job = String(NOW - 1000)
    const { events, pausesMs } = await told(2000, job)
    expect(events).toMatchObject([{ type: 'accepted', job }, ...tens(6), ...drawn])
    expect(pausesMs).toEqual([200, 400, 600, 800, 1000])
  })

  test.each([
    ['all of the delay is over for an earlier run', 200, '1000'],
    ['there is none', 0, undefined],
  ])('draws at once where %s', async (_, delayMs, job) => {
    expect((await told(delayMs, job)).events).toMatchObject([{ type: 'accepted' }, ...drawn])
  })

  test('stops on a signal, before or during the delay', async () => {
    const reason = new Error('nobody wants it any more')
    await expect(told(60_000, undefined, AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    const stopped = told(60_000, undefined, controller.signal)
    controller.abort(reason)
    await expect(stopped).rejects.toBe(reason)
  })
})
