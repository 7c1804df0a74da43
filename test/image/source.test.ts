import { afterEach, expect, test, vi } from 'vitest'
import { type FetchRules, UnreadableUrl, fetchImage } from '../../src/image/source'
import type { Bytes } from '../../src/streams/bytes'
import { decodeAll } from '../streams/splits'

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const PUBLIC: FetchRules = { schemes: ['https:'], allowPrivateUrls: false }

/** The internet as a list of answers, in order; returns the requests. */
function answering(...answers: (() => Response)[]): Request[] {
  const requests: Request[] = []
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    requests.push(new Request(input, init))
    return answers[requests.length - 1]?.() ?? new Response('picture')
  })
  return requests
}

const redirect =
  (location: string, status = 302) =>
  () =>
    new Response('moved', { status, headers: { location } })
const text = (bytes: Bytes): Promise<string> => decodeAll(bytes)

test.each([
  'https://example.com/a.png',
  'https://example.com:8443/a.png?b=c#d',
  'https://8.8.8.8/a.png',
  'https://172.32.0.1/a.png',
  'https://100.128.0.1/a.png',
  'https://[2606:4700::1111]/a.png',
  'https://[::ffff:8.8.8.8]/a.png',
  'https://bücher.example.org/a.png',
  'https://example.com./a.png',
  'https://localhost.example.com/a.png',
  'https://internal.example.com/a.png',
  'https://notlocal.com/a.png',
  'HTTPS://EXAMPLE.COM/a.png',
])('a picture at %s is read', async (address) => {
  const requests = answering()
  expect(await text(fetchImage(address, PUBLIC))).toBe('picture')
  expect(requests.map(({ url }) => url)).toEqual([new URL(address).href])
})

test('the request has no header of the gateway', async () => {
  const requests = answering()
  await text(fetchImage('https://example.com/a.png', PUBLIC))
  expect([...(requests[0]?.headers ?? [])]).toEqual([['accept', 'image/*']])
})

test('the request after a redirect has no header of the gateway', async () => {
  const requests = answering(redirect('https://other.example.com/b.png'))
  await text(fetchImage('https://example.com/a.png', PUBLIC))
  expect([...(requests[1]?.headers ?? [])]).toEqual([['accept', 'image/*']])
})

test('redirects are followed by the gateway, not by the platform', async () => {
  const requests = answering()
  await text(fetchImage('https://example.com/a.png', PUBLIC))
  expect(requests[0]?.redirect).toBe('manual')
})

test.each([301, 302, 303, 307, 308])('a redirect with status %i is followed', async (status) => {
  answering(redirect('https://other.example.com/b.png', status))
  expect(await text(fetchImage('https://example.com/a.png', PUBLIC))).toBe('picture')
})

test.each([
  ['/b.png', 'https://example.com/b.png'],
  ['b.png', 'https://example.com/dir/b.png'],
  ['?c', 'https://example.com/dir/a.png?c'],
  ['//cdn.example.org/b.png', 'https://cdn.example.org/b.png'],
])('a redirect to %s leads to %s', async (location, url) => {
  const requests = answering(redirect(location))
  await text(fetchImage('https://example.com/dir/a.png', PUBLIC))
  expect(requests[1]?.url).toBe(url)
})

test('three redirects are followed', async () => {
  answering(redirect('/1'), redirect('/2'), redirect('/3'))
  expect(await text(fetchImage('https://example.com/a.png', PUBLIC))).toBe('picture')
})

test('a fourth redirect is refused', async () => {
  const requests = answering(redirect('/1'), redirect('/2'), redirect('/3'), redirect('/4'))
  await expect(text(fetchImage('https://example.com/a.png', PUBLIC))).rejects.toThrow('more than 3 times')
  expect(requests).toHaveLength(4)
})

test('the body of a redirect is cancelled', async () => {
  const cancel = vi.fn()
  const headers = { location: '/b.png' }
  answering(() => new Response(new ReadableStream({ cancel }), { status: 302, headers }))
  await text(fetchImage('https://example.com/a.png', PUBLIC))
  expect(cancel).toHaveBeenCalled()
})

test.each([
  'http://example.com/b.png',
  'https://127.0.0.1/b.png',
  'https://2130706433/',
  '//localhost/b.png',
  'https://user@example.com/',
  'https://[::1]/',
  'data:image/png;base64,AAAA',
  'https://[',
])('a redirect to %s is refused', async (location) => {
  const requests = answering(redirect(location))
  await expect(text(fetchImage('https://example.com/a.png', PUBLIC))).rejects.toBeInstanceOf(UnreadableUrl)
  expect(requests).toHaveLength(1)
})

test('a private address at the end of a chain of redirects is refused', async () => {
  const requests = answering(redirect('/1'), redirect('https://example.org/2'), redirect('https://169.254.169.254/'))
  await expect(text(fetchImage('https://example.com/a.png', PUBLIC))).rejects.toBeInstanceOf(UnreadableUrl)
  expect(requests).toHaveLength(3)
})

test.each([
  ['an error', () => new Response('no', { status: 404 })],
  ['a redirect to nowhere', () => new Response('no', { status: 302 })],
  ['nothing new', () => new Response(null, { status: 304 })],
  ['no body', () => new Response(null, { status: 204 })],
])('a host that answers with %s is unreadable', async (_, answer) => {
  answering(answer)
  await expect(text(fetchImage('https://example.com/a.png', PUBLIC))).rejects.toThrow(/answered with status \d+/)
})

test('an unreachable host is an unreadable picture', async () => {
  vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('connection refused'))
  await expect(text(fetchImage('https://example.com/a.png', PUBLIC))).rejects.toBeInstanceOf(UnreadableUrl)
})

test('a picture that breaks off is unreadable', async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new TypeError('reset')) })
  answering(() => new Response(broken))
  await expect(text(fetchImage('https://example.com/a.png', PUBLIC))).rejects.toBeInstanceOf(UnreadableUrl)
})

/** Reads a picture from a host with these statuses, without real time. Returns the outcome and the request times. */
async function readAfter(statuses: number[], rules: FetchRules): Promise<{ outcome: unknown; askedMs: number[] }> {
  vi.useFakeTimers()
  const startMs = Date.now()
  const askedMs: number[] = []
  const answers = statuses.map((status) => () => new Response('no', { status }))
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    askedMs.push(Date.now() - startMs)
    return answers[askedMs.length - 1]?.() ?? new Response('picture')
  })
  const reading = text(fetchImage('https://example.com/a.png', rules)).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(10_000)
  return { outcome: await reading, askedMs }
}

const PAID: FetchRules = { ...PUBLIC, isPaidFor: true }

test.each([404, 408, 429, 500, 503])('a paid picture is requested again after a status %i', async (status) => {
  const times = { outcome: 'picture', askedMs: [0, 250, 1250, 4250] }
  expect(await readAfter([status, status, status], PAID)).toEqual(times)
})

test('a paid picture is given up after four tries', async () => {
  const { outcome, askedMs } = await readAfter([404, 503, 404, 503, 404], PAID)
  expect([outcome, askedMs.length]).toEqual([expect.any(UnreadableUrl), 4])
})

test('a paid picture is given up at once after its URL has expired', async () => {
  const { outcome, askedMs } = await readAfter([403], PAID)
  expect([outcome, askedMs]).toEqual([expect.any(UnreadableUrl), [0]])
})

test.each([
  [404, 1],
  [408, 1],
  [429, 1],
  [503, 3],
])("after a status %i, a caller's picture is requested %i times without a pause", async (status, times) => {
  const { outcome, askedMs } = await readAfter([status, status, status], PUBLIC)
  expect([outcome, askedMs.length]).toEqual([expect.any(UnreadableUrl), times])
  expect(askedMs.at(-1)).toBeLessThan(100)
})

test("the end of the caller's request stops the reading", async () => {
  const requests = answering()
  const signal = AbortSignal.abort()
  await text(fetchImage('https://example.com/a.png', { ...PUBLIC, signal })).catch(() => {})
  expect(requests[0]?.signal.aborted).toBe(true)
})

test('a host that is silent for a minute is given up', async () => {
  vi.useFakeTimers()
  vi.spyOn(globalThis, 'fetch').mockImplementation(
    (_, init) =>
      new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))),
  )
  const reading = expect(text(fetchImage('https://example.com/a.png', PUBLIC))).rejects.toBeInstanceOf(UnreadableUrl)
  await vi.advanceTimersByTimeAsync(60_000)
  await reading
})

test('no timer is left behind', async () => {
  vi.useFakeTimers()
  answering()
  await text(fetchImage('https://example.com/a.png', PUBLIC))
  expect(vi.getTimerCount()).toBe(0)
})

test('a reader who leaves early cancels the answer', async () => {
  let cancelled = false
  const pull = (controller: ReadableStreamDefaultController): void => controller.enqueue(new Uint8Array(1000))
  answering(() => new Response(new ReadableStream({ pull, cancel: () => void (cancelled = true) })))
  for await (const _ of fetchImage('https://example.com/a.png', PUBLIC)) break
  expect(cancelled).toBe(true)
})

test('a picture in many chunks is read whole', async () => {
  const picture = new Uint8Array(500_000).fill(65)
  answering(() => new Response(picture))
  expect(await text(fetchImage('https://example.com/a.png', PUBLIC))).toHaveLength(picture.length)
})
