import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { audit, limitStatus, used } from '../support/accounting'
import { errorOf } from '../support/gateway'
import { team } from '../support/teams'
import { chat, HELLO, stored, texts } from '../support/texts'
import { trouble } from '../support/trouble'

const { first } = texts()

const LIMITS = { budget_usd: 1, concurrency: 1 }

const LARGE = { ...HELLO, messages: [{ role: 'user', content: 'x'.repeat(2_000_000) }] }

test('a team unreachable for the reservation leads to no upstream call', async () => {
  const { key } = await team('acme', LIMITS)
  trouble('reserve')
  expect(await errorOf(await chat(HELLO, key))).toMatchObject({ status: 503 })
  expect(first.calls).toEqual([])
})

test('a team that held the money without an answer releases it', async () => {
  const { key } = await team('acme', LIMITS)
  trouble('reserve', 2, 'after')
  expect((await chat(HELLO, key)).status).toBe(503)
  expect([await used('acme'), (await limitStatus('acme', 'concurrency')).used]).toEqual([0, 0])
})

test('a team unreachable for the settlement gets it later, without a delay of the answer', async () => {
  const { key } = await team('acme', LIMITS)
  const told = trouble('settle', 2)
  const response = await chat(HELLO, key)
  expect([response.status, (await response.text()).length > 0]).toEqual([200, true])
  await vi.waitFor(
    async () => expect(await audit('acme')).toMatchObject([{ status: 'succeeded', output_tokens: 5 }]),
    3000,
  )
  expect(told.failures).toBe(2)
})

test('a request with a body that R2 does not store is refused, and holds no money', async () => {
  const { key } = await team('acme', LIMITS)
  vi.spyOn(env.IMAGES, 'put').mockRejectedValue(new Error('put: We encountered an internal error. (10001)'))
  expect(await errorOf(await chat(LARGE, key))).toMatchObject({ status: 503 })
  expect([first.calls, await used('acme'), await stored()]).toEqual([[], 0, []])
})

test('a request with a body that R2 does not return is refused', async () => {
  const { key } = await team('acme', LIMITS)
  vi.spyOn(env.IMAGES, 'get').mockRejectedValue(new Error('get: We encountered an internal error. (10001)'))
  expect(await errorOf(await chat(LARGE, key))).toMatchObject({ status: 503 })
  await vi.waitFor(async () => expect(await stored()).toEqual([]))
})

test('a retry with a body that R2 does not return is refused, at no cost', async () => {
  const { key } = await team('acme')
  const get = env.IMAGES.get.bind(env.IMAGES)
  const gone = new Error('get: We encountered an internal error. (10001)')
  vi.spyOn(env.IMAGES, 'get')
    .mockRejectedValue(gone)
    .mockImplementationOnce((sought: string) => get(sought))
  expect(await errorOf(await chat(LARGE, key))).toMatchObject({ status: 503 })
  expect(await audit('acme')).toMatchObject([{ status: 'failed', cost_usd: 0 }])
  expect(first.calls).toEqual([])
})
