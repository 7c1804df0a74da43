import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'
import { audit, generate, micro, used } from '../support/accounting'
import { full } from '../support/full'
import { errorOf } from '../support/gateway'
import { internet } from '../support/internet'
import { deleteObjects } from '../support/objects'
import { settings } from '../support/settings'
import { team } from '../support/teams'
import { accountsOf } from '../support/watched-upstreams'

const PRICE = 0.04
settings({
  UPSTREAMS: JSON.stringify([
    {
      name: 'endless',
      provider: 'fireworks',
      secret: 'KEY_OF_HOST',
      base_url: 'https://upstream.example.com',
      models: ['painter=flux-1-dev-fp8'],
      prices: { painter: { image: PRICE } },
    },
  ]),
  DEMO_UPSTREAM: false,
  HEARTBEAT_AFTER_SECONDS: 0,
  KEY_OF_HOST: 'sk-a',
})
afterEach(async () => {
  vi.restoreAllMocks()
  await deleteObjects()
})

const MEGABYTE = 1024 * 1024
const CAP = 256 * MEGABYTE
const PNG = Uint8Array.fromHex('89504e470d0a1a0a')

/** Answers each request with a picture without an end. */
function endless(): { requests: number; sent: number; isCancelled: boolean } {
  const told = { requests: 0, sent: 0, isCancelled: false }
  const chunk = new Uint8Array(MEGABYTE)
  const handle = async (): Promise<Response> => {
    told.requests += 1
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(PNG),
      pull(controller) {
        told.sent += chunk.length
        controller.enqueue(chunk)
      },
      cancel: () => void (told.isCancelled = true),
    })
    return new Response(body, { headers: { 'content-type': 'image/png' } })
  }
  internet({ 'upstream.example.com': { handle } })
  return told
}

/** The uploads of several parts. At full size R2 has the parts, else they are only counted. */
function uploads(): { parts: number; aborted: number } {
  const told = { parts: 0, aborted: 0 }
  const begin = env.IMAGES.createMultipartUpload.bind(env.IMAGES)
  vi.spyOn(env.IMAGES, 'createMultipartUpload').mockImplementation(async (...about) => {
    const upload = await begin(...about)
    const uploadPart = async (number: number, bytes: ArrayBufferView): Promise<R2UploadedPart> => {
      told.parts += 1
      return full ? await upload.uploadPart(number, bytes) : { partNumber: number, etag: String(number) }
    }
    const abort = async (): Promise<void> => {
      told.aborted += 1
      await upload.abort()
    }
    return Object.assign(Object.create(upload), { uploadPart, abort })
  })
  return told
}

test('a picture without an end is cut, booked once, and nothing of it stays', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const [upstream, stored] = [endless(), uploads()]
  const response = await generate(key, 'A cat', { model: 'painter', quality: undefined })
  expect(response.headers.get('x-should-retry')).toBe('false')
  expect(await errorOf(response)).toMatchObject({ status: 502 })
  expect([upstream.requests, upstream.isCancelled, stored.aborted]).toEqual([1, true, 1])
  expect(upstream.sent).toBeLessThan(CAP + 2 * MEGABYTE)
  expect(stored.parts).toBe(Math.floor(CAP / (5 * MEGABYTE)))
  expect((await env.IMAGES.list()).objects).toEqual([])
  expect(await audit('acme')).toMatchObject([{ status: 'failed', attempts: 1, estimated_usd: PRICE, cost_usd: PRICE }])
  expect(await used('acme')).toBe(micro(PRICE))
  expect(await accountsOf('endless')).toMatchObject([{ status: 'ready', in_use: 0 }])
})
