import { describe, expect, test, vi } from 'vitest'
import { errorOf, post } from '../support/gateway'
import { internet } from '../support/internet'
import { upstreams } from '../support/upstreams'

upstreams()

/** The keys of an upstream's calls. Each answer comes so many ms after its request was read, or unread. */
function answeringAfter(ms: number, answer: () => Response, reads = true): string[] {
  const keys: string[] = []
  vi.useFakeTimers({ toFake: ['Date'] })
  const handle = async (request: Request): Promise<Response> => {
    keys.push(request.headers.get('authorization') ?? '')
    if (reads) await request.text()
    // By then the sender has seen it.
    await new Promise((resolve) => setTimeout(resolve))
    vi.setSystemTime(Date.now() + ms)
    return answer()
  }
  internet(
    Object.fromEntries(['api.openai.com', 'first.example.com', 'second.example.com'].map((host) => [host, { handle }])),
  )
  return keys
}

const broken = (): Response => {
  throw new TypeError('Network connection lost.')
}
const ask = (model: string): Promise<Response> => post('/v1/images/generations', { model, prompt: 'A cat' })

describe('a picture that may be billed, since its upstream', () => {
  test.each([
    ['broke off after a while', broken, 502],
    ['was given up by a proxy in between (504)', () => new Response(null, { status: 504 }), 504],
    ['was given up by a proxy in between (524)', () => new Response(null, { status: 524 }), 504],
  ])('%s, is requested at most twice', async (_, answer, status) => {
    const keys = answeringAfter(5500, answer)
    const response = await ask('pair')
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([status, 'false'])
    expect([keys.length, new Set(keys).size]).toEqual([2, 2])
  })
})

test.each([
  ['broke off at once', 100, broken],
  ['broke off after a while in which the request was still being sent', 5500, broken, false],
  ['is unreachable at once', 100, () => new Response(null, { status: 504 })],
  ['reports after a while that it is out of order', 5500, () => new Response(null, { status: 503 })],
])('an upstream that %s leaves the picture to the next ones', async (_, ms, answer, reads = true) => {
  const keys = answeringAfter(ms, answer, reads)
  expect(await errorOf(await ask('pair'))).toMatchObject({ status: 502 })
  expect(new Set(keys).size).toBe(3)
})
