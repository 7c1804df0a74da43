import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { errorOf, KEY, post } from '../support/gateway'
import { internet } from '../support/internet'
import { ended, job } from '../support/jobs'
import { holdLongTimers } from '../support/long-timers'
import { settings } from '../support/settings'
import { plainPng } from '../support/png'
import { SizedUpstream } from '../support/sized-upstream'
import { ask } from '../support/teams'
import { deleteObjects } from '../support/objects'

const OPENAI = { provider: 'openai', secret: 'UPSTREAM_KEY' }
settings({
  UPSTREAMS: JSON.stringify([
    { ...OPENAI, name: 'openai' },
    { ...OPENAI, name: 'hasty', models: ['hasty=gpt-image-2'], timeout_seconds: 2 },
  ]),
  MODELS: { hasty: { like: 'gpt-image-2' }, 'demo-free': { like: 'gpt-image-2' } },
})

const upstream = new SizedUpstream()
beforeEach(() => {
  upstream.reset()
  internet({ 'api.openai.com': upstream })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await deleteObjects()
})

const SQUARE = { size: '1080x1080', response_format: 'b64_json' }
const AS_MADE = 'size=1080x1080>1088x1088'

/** The time of a crop, in ms. */
const CROP_TIMEOUT_MS = 30_000

interface Answer {
  size?: string
  data: { b64_json: string }[]
}

/** The format and the size of a picture, as the platform decodes it. */
async function decoded(bytes: Uint8Array): Promise<string> {
  const made = await env.TRANSFORMS.input(new Blob([bytes]).stream()).output({ format: 'image/png' })
  const info = await env.TRANSFORMS.info(made.image())
  const { format } = await env.TRANSFORMS.info(new Blob([bytes]).stream())
  return 'width' in info ? `${format} ${info.width}x${info.height}` : format
}

const picturesOf = ({ data }: Answer): Promise<string[]> =>
  Promise.all(data.map(({ b64_json }) => decoded(Uint8Array.fromBase64(b64_json))))

async function asked(body: object, headers: Record<string, string> = {}) {
  const response = await ask(KEY, { ...SQUARE, ...body }, headers)
  const answer = await response.json<Answer>()
  const told = (name: string): string | null => response.headers.get(name)
  return { adjusted: told('x-adjusted'), cache: told('x-cache'), size: answer.size, pictures: await picturesOf(answer) }
}

const stored = async (): Promise<string[]> =>
  (await env.IMAGES.list({ prefix: 'images/' })).objects.map(({ key }) => key)

describe('a picture of a size that its model does not make', () => {
  test.each([
    ['1080x1080', '1088x1088'],
    ['1080x1920', '1088x1920'],
    ['1200x630', '1200x640'],
    ['1200x675', '1200x688'],
    ['1200x627', '1200x640'],
  ])('has exactly the requested %s, made as %s', async (size, made) => {
    expect(await asked({ size })).toEqual({
      adjusted: `size=${size}>${made}, crop=${made}>${size}`,
      cache: 'MISS',
      size,
      pictures: [`image/png ${size}`],
    })
    expect(upstream.bodies).toMatchObject([{ size: made }])
    expect(await stored()).toHaveLength(1)
  })

  test.each([
    ['gpt-image-2', '256x256', '816x816', 'crop'],
    ['gpt-image-2', '512x512', '816x816', 'crop'],
    ['gpt-image-1.5', '2048x2048', '1024x1024', 'scale'],
    ['gpt-image-1.5', '1080x1920', '1024x1536', 'scale'],
  ])('of %s out of its bounds, %s, is made as %s', async (model, size, made, change) => {
    expect(await asked({ model, size })).toMatchObject({
      adjusted: `size=${size}>${made}, ${change}=${made}>${size}`,
      size,
      pictures: [`image/png ${size}`],
    })
    expect(upstream.bodies).toMatchObject([{ size: made }])
  })

  test('is cropped in each of several', async () => {
    expect((await asked({ n: 2 })).pictures).toEqual(Array(2).fill('image/png 1080x1080'))
    expect(await stored()).toHaveLength(2)
  })

  test('is scaled down as far as possible before the crop', async () => {
    upstream.instead = '2176x2176'
    expect((await asked({})).pictures).toEqual(['image/png 1080x1080'])
  })

  test('is cached with its crop and its header', async () => {
    const [first, second] = [await asked({}), await asked({})]
    expect(second).toEqual({ ...first, cache: 'HIT' })
    expect(upstream.bodies).toHaveLength(1)
  })

  test('differs from the picture of the size that the model makes', async () => {
    await asked({})
    expect(await asked({ size: '1088x1088' })).toEqual({
      adjusted: null,
      cache: 'MISS',
      size: '1088x1088',
      pictures: ['image/png 1088x1088'],
    })
  })

  test('is the same in every wire format', async () => {
    await asked({ quality: 'auto' })
    const messages = [{ role: 'user', content: 'A cat' }]
    const chat = await post('/v1/chat/completions', { model: 'gpt-image-2', messages, size: '1080x1080' })
    await chat.text()
    expect(chat.headers.get('x-cache')).toBe('HIT')
    expect(chat.headers.get('x-adjusted')).toContain(`${AS_MADE}, crop=1088x1088>1080x1080`)
  })

  test('is the result of a job', async () => {
    const { images, result } = await ended(KEY, await job(KEY, SQUARE))
    const base64 = result?.data.map(({ b64_json }) => b64_json ?? '') ?? []
    const pictures = await Promise.all(base64.map((each) => decoded(Uint8Array.fromBase64(each))))
    expect([images.length, pictures]).toEqual([1, ['image/png 1080x1080']])
  })

  test('is refused to a strict request', async () => {
    const refused = await errorOf(await ask(KEY, SQUARE, { 'x-strict': 'true' }))
    expect(refused).toMatchObject({ status: 400, param: 'size', message: expect.stringContaining("'1080x1080'") })
    expect(upstream.bodies).toEqual([])
  })
})

test.each(['png', 'jpeg', 'webp'])('a %s is cropped to one', async (output_format) => {
  const { adjusted, pictures } = await asked({ model: 'demo-free', output_format })
  expect([adjusted, pictures]).toEqual([`${AS_MADE}, crop=1088x1088>1080x1080`, [`image/${output_format} 1080x1080`]])
})

/** The options of the file that the platform is to write. */
async function output(body: object): Promise<unknown> {
  const input = env.TRANSFORMS.input.bind(env.TRANSFORMS)
  const told: unknown[] = []
  vi.spyOn(env.TRANSFORMS, 'input').mockImplementationOnce((stream) => {
    const transformer = input(stream)
    const write = transformer.output.bind(transformer)
    transformer.output = (options) => {
      told.push(options)
      return write(options)
    }
    return transformer
  })
  await (await ask(KEY, { ...SQUARE, model: 'demo-free', ...body })).text()
  return told[0]
}

test('a file has the requested compression, and a png keeps all its colours', async () => {
  const [jpeg, png] = [{ output_format: 'jpeg', output_compression: 40 }, { output_format: 'png' }]
  expect(await output(jpeg)).toEqual({ format: 'image/jpeg', quality: 40 })
  expect(await output({ output_format: 'webp' })).toEqual({ format: 'image/webp', quality: 100 })
  expect(await output({ ...jpeg, output_compression: 0 })).toEqual({ format: 'image/jpeg', quality: 1 })
  expect(await output(png)).toEqual({ format: 'image/png' })
})

describe('a picture stays as made', () => {
  const asMade = (pictures: string[], size = '1088x1088') => ({ adjusted: AS_MADE, cache: 'MISS', size, pictures })

  test.each(['1024x1024', '1088x1072', '1080x1080'])('where its size %s is too small for the crop', async (size) => {
    upstream.instead = size
    expect(await asked({})).toEqual(asMade([`image/png ${size}`], size))
    expect(await stored()).toHaveLength(1)
  })

  test.each<[string, Uint8Array]>([
    [
      'it has no pixels',
      new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="1088" height="1088"/>'),
    ],
    ['the platform cannot decode it', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3)],
  ])('where %s', async (_, picture) => {
    upstream.picture = picture
    const response = await ask(KEY, SQUARE)
    const { data } = await response.json<Answer>()
    expect([response.headers.get('x-adjusted'), data[0]?.b64_json]).toEqual([AS_MADE, picture.toBase64()])
  })

  test.each<['info' | 'input', () => never]>([
    [
      'info',
      () => {
        throw new Error('9432: out of order')
      },
    ],
    [
      'input',
      () => {
        throw new Error('9432: out of order')
      },
    ],
  ])('where the platform fails (%s)', async (step, fail) => {
    vi.spyOn(env.TRANSFORMS, step).mockImplementationOnce(fail)
    expect(await asked({})).toEqual(asMade(['image/png 1088x1088']))
    expect(await stored()).toHaveLength(1)
  })

  test("where the platform exceeds the upstream's timeout", async () => {
    upstream.picture = await plainPng(1088, 1088)
    const endTimers = holdLongTimers()
    const info = vi.spyOn(env.TRANSFORMS, 'info').mockReturnValueOnce(new Promise(() => {}))
    const answer = asked({ model: 'hasty' })
    await vi.waitUntil(() => info.mock.calls.length === 1)
    endTimers(CROP_TIMEOUT_MS)
    expect(await answer).toEqual(asMade(['image/png 1088x1088']))
  })

  test('where the crop cannot be stored', async () => {
    const put = env.IMAGES.put.bind(env.IMAGES)
    vi.spyOn(env.IMAGES, 'put').mockImplementation((key: string, ...rest) => {
      if (key.endsWith('c-0.png')) throw new Error('R2 is out of order')
      return Reflect.apply(put, env.IMAGES, [key, ...rest])
    })
    expect(await asked({})).toEqual(asMade(['image/png 1088x1088']))
    expect(await stored()).toHaveLength(1)
  })
})
