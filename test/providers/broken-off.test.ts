import { describe, expect, test, vi } from 'vitest'
import { errorOf, post } from '../support/gateway'
import { internet } from '../support/internet'
import { upstreams } from '../support/upstreams'

upstreams()

/** The keys with which an upstream was asked, each of whose answers comes so many ms after it has read the request, or before. */
function answeringAfter(ms: number, answer: () => Response, reads = true): string[] {
  const keys: string[] = []
  vi.useFakeTimers({ toFake: ['Date'] })
  const handle = async (request: Request): Promise<Response> => {
    keys.push(request.headers.get('authorization') ?? '')
    if (reads) await request.text()
    // By then the sender knows of it.
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

describe('a picture that may have been paid for, since its upstream', () => {
  test.each([
    ['broke off after a while', broken, 502],
    ['was given up by a proxy in between (504)', () => new Response(null, { status: 504 }), 504],
    ['was given up by a proxy in between (524)', () => new Response(null, { status: 524 }), 504],
  ])('%s, is bought no more than twice', async (_, answer, status) => {
    const keys = answeringAfter(5500, answer)
    const response = await ask('pair')
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([status, 'false'])
    expect([keys.length, new Set(keys).size]).toEqual([2, 2])
  })
})

test.each([
  ['broke off at once', 100, broken],
  ['broke off after a while in which the request was still being sent', 5500, broken, false],
  ['says at once that there is no way to it', 100, () => new Response(null, { status: 504 })],
  ['says after a while that it is out of order', 5500, () => new Response(null, { status: 503 })],
])('an upstream that %s leaves the picture to whoever is left', async (_, ms, answer, reads = true) => {
  const keys = answeringAfter(ms, answer, reads)
  expect(await errorOf(await ask('pair'))).toMatchObject({ status: 502 })
  expect(new Set(keys).size).toBe(3)
})
