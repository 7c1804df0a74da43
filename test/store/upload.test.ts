import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'
import { upload } from '../../src/store/upload'
import type { Bytes } from '../../src/streams/bytes'
import { deleteObjects } from '../support/objects'

afterEach(async () => {
  vi.restoreAllMocks()
  await deleteObjects()
})

const PART = 5 * 1024 * 1024
const MEGABYTE = 1024 * 1024

/** So many bytes that differ from place to place and from seed to seed. */
function picture(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let at = 0, state = seed; at < words.length; at++)
    words[at] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return new Uint8Array(words.buffer, 0, length)
}

/** Sends a picture in chunks of a size, through one buffer that is overwritten for the next chunk. */
async function* arriving(whole: Uint8Array, size: number, breakAt = Infinity): Bytes {
  const buffer = new Uint8Array(size)
  for (let at = 0; at < whole.length; at += size) {
    if (at >= breakAt) throw new RangeError('connection lost')
    const chunk = whole.subarray(at, at + size)
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
    buffer.fill(0x21)
  }
  if (breakAt < Infinity) throw new RangeError('connection lost')
}

const at = (key: string) => () => ({ key, mediaType: 'image/png' })
const keys = async (): Promise<string[]> => (await env.IMAGES.list()).objects.map(({ key }) => key)
const digest = async (bytes: BufferSource): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).toHex()

async function stored(key: string): Promise<string> {
  const object = await env.IMAGES.get(key)
  return object ? digest(await object.arrayBuffer()) : 'nothing'
}

/** The multipart uploads that this isolate begins from now on. */
function begun(): R2MultipartUpload[] {
  const uploads: R2MultipartUpload[] = []
  const begin = env.IMAGES.createMultipartUpload.bind(env.IMAGES)
  vi.spyOn(env.IMAGES, 'createMultipartUpload').mockImplementation(async (...about) => {
    const started = await begin(...about)
    uploads.push(started)
    return started
  })
  return uploads
}

test.each([
  [0, 1000],
  [1, 1],
  [2, 1],
  [256 * 1024, 128 * 1024],
  [256 * 1024 + 1, 100_000],
  [PART - 1, 131_072],
  [PART, 131_072],
  [PART, 99_991],
  [PART, PART],
  [PART + 1, 131_072],
  [PART + 1, PART + 1],
  [2 * PART - 1, 99_991],
  [2 * PART, 131_072],
  [2 * PART + 1, 131_071],
  [11 * MEGABYTE, 99_991],
  [11 * MEGABYTE, 131_072],
  [11 * MEGABYTE + 7, 3 * MEGABYTE + 1],
  [11 * MEGABYTE, 11 * MEGABYTE],
])('a picture of %i bytes that arrives in chunks of %i is stored byte for byte', async (length, size) => {
  const whole = picture(length)
  const put = await upload(env.IMAGES, arriving(whole, size), at('a'))
  expect(put).toEqual({ key: 'a', mediaType: 'image/png', bytes: length })
  expect(await stored('a')).toBe(await digest(whole))
})

test.each([1, PART, PART + 1])('an object of %i bytes has the media type of its place', async (length) => {
  await upload(env.IMAGES, arriving(picture(length), 99_991), at('a'))
  expect(await env.IMAGES.head('a')).toMatchObject({ httpMetadata: { contentType: 'image/png' } })
})

test.each([
  [0, 0, true],
  [10, 10, true],
  [PART, PART, true],
  [PART + 1, PART, false],
  [11 * MEGABYTE, PART, false],
])('the place of %i bytes is chosen by the first %i and by whether they are all: %j', async (length, first, all) => {
  const choose = vi.fn(at('a'))
  await upload(env.IMAGES, arriving(picture(length), 99_991), (view, whole) => {
    expect([view.length, whole]).toEqual([first, all])
    return choose()
  })
  expect(choose).toHaveBeenCalledOnce()
})

test('a stored picture is not written again', async () => {
  const put = vi.spyOn(env.IMAGES, 'put')
  await upload(env.IMAGES, arriving(picture(10), 3), () => ({
    key: 'a',
    mediaType: 'image/png',
    exists: () => Promise.resolve(true),
  }))
  expect(put).not.toHaveBeenCalled()
})

test.each([0, 1000, PART - 1, PART, PART + 200_000, 2 * PART, 11 * MEGABYTE])(
  'a source that fails after %i bytes leaves no object',
  async (breakAt) => {
    const uploading = upload(env.IMAGES, arriving(picture(11 * MEGABYTE), 99_991, breakAt), at('a'))
    await expect(uploading).rejects.toThrow('connection lost')
    expect(await keys()).toEqual([])
  },
)

test('a source that fails midway leaves no upload pending', async () => {
  const uploads = begun()
  const uploading = upload(env.IMAGES, arriving(picture(11 * MEGABYTE), 99_991, 2 * PART), at('a'))
  await expect(uploading).rejects.toThrow('connection lost')
  expect(uploads).toHaveLength(1)
  for (const pending of uploads) await expect(pending.uploadPart(3, picture(1))).rejects.toThrow(/10024|not exist/)
})

test('a refused place leaves no object and cancels the source', async () => {
  let closed = false
  async function* source(): Bytes {
    try {
      yield* arriving(picture(11 * MEGABYTE), 131_072)
    } finally {
      closed = true
    }
  }
  const refuse = (): never => {
    throw new RangeError('no image')
  }
  await expect(upload(env.IMAGES, source(), refuse)).rejects.toThrow('no image')
  expect([closed, await keys()]).toEqual([true, []])
})

test('many uploads at once do not mix', async () => {
  const lengths = [PART + 1, 11 * MEGABYTE, 1, PART, 300_000, 2 * PART, 6 * MEGABYTE]
  const pictures = lengths.map((length, index) => picture(length, index + 2))
  await upload(env.IMAGES, arriving(picture(11 * MEGABYTE), 131_072), at('before'))
  await Promise.all(pictures.map((each, index) => upload(env.IMAGES, arriving(each, 99_991 + index), at(`${index}`))))
  const wanted = await Promise.all(pictures.map(digest))
  expect(await Promise.all(pictures.map((_, index) => stored(`${index}`)))).toEqual(wanted)
})

test('an upload after a failed one has none of its bytes', async () => {
  await upload(env.IMAGES, arriving(picture(PART), 99_991, PART - 1), at('a')).catch(() => {})
  const small = picture(1000, 9)
  await upload(env.IMAGES, arriving(small, 100), at('b'))
  expect(await stored('b')).toBe(await digest(small))
})

test('a large object is stored although its completion was answered by an error', async () => {
  const create = env.IMAGES.createMultipartUpload.bind(env.IMAGES)
  vi.spyOn(env.IMAGES, 'createMultipartUpload').mockImplementationOnce(async (...args) => {
    const target = await create(...args)
    const complete = target.complete.bind(target)
    vi.spyOn(target, 'complete').mockImplementationOnce(async (parts) => {
      await complete(parts)
      throw new Error('completeMultipartUpload: internal error (10001)')
    })
    return target
  })
  const written = await upload(env.IMAGES, arriving(picture(6_000_000), 65_536), () => ({
    key: 'large',
    mediaType: 'image/png',
  }))
  expect(written).toEqual({ key: 'large', mediaType: 'image/png', bytes: 6_000_000 })
})
