import { OpenAI } from 'openai'
import { expect, test, vi } from 'vitest'
import { crashes } from './support/crashes.ts'
import { inMicroUsd, paid, quoteOf } from './support/money.ts'
import { Operator, limitStatus, usageOf } from './support/operator.ts'
import { decoded } from './support/pictures.ts'

const { start, crash } = crashes()

const LOW = { model: 'gpt-image-2', quality: 'low', size: '1024x1024' } as const

test.concurrent('keys, limits and spending outlive the gateway', async () => {
  const { upstream, gateway: first } = await start()
  const key = await new Operator(first).team('lasting', { budget_usd: 0.01 })
  await new Operator(first).setLimits('default', { budget_usd: 0.01 })
  for (const apiKey of [key, first.key]) await first.sdk({ apiKey }).images.generate({ ...LOW, prompt: 'A spring' })
  const before = await Promise.all([key, first.key].map((each) => usageOf(first, each)))

  const second = await crash(first, upstream)
  const after = await Promise.all([key, first.key].map((each) => usageOf(second, each)))
  expect(after.map(({ team_totals }) => team_totals)).toEqual(before.map(({ team_totals }) => team_totals))
  expect(after.map(({ limits }) => limitStatus(limits, 'budget_usd').used)).toEqual([0.00589, 0.00589])
  for (const apiKey of [key, first.key]) {
    const answer = second.sdk({ apiKey }).images.generate({ ...LOW, prompt: 'A second spring' })
    await expect(answer).rejects.toMatchObject({ status: 429, code: 'insufficient_quota' })
  }
})

test.concurrent('a generation cut short by a crash is made once more, and the lost call is booked at its quote', async () => {
  const { upstream, gateway: first } = await start()
  const key = await new Operator(first).team('killed', { budget_usd: 0.01, concurrency: 1 })
  const body = { ...LOW, prompt: 'A geyser @delay=4000' }
  const pending = expect(first.sdk({ apiKey: key }).images.generate(body)).rejects.toBeInstanceOf(OpenAI.APIError)
  await vi.waitFor(async () => expect(await upstream.callsFor(body.prompt)).toHaveLength(1), { timeout: 60_000 })

  const second = await crash(first, upstream)
  await pending
  const operator = new Operator(second)
  const [held] = await operator.audit('killed')
  expect(held).toMatchObject({ status: 'running', cost_usd: null })
  expect(decoded(await second.sdk({ apiKey: key }).images.generate(body))).toHaveLength(1)

  const calls = await upstream.callsFor(body.prompt)
  expect(calls.map(({ outcome }) => outcome)).toEqual(['aborted', 'answered'])
  const entries = await operator.audit('killed')
  expect(entries).toHaveLength(1)
  expect(entries[0]).toMatchObject({ run: held?.run, status: 'succeeded', attempts: 2 })
  const cost = quoteOf(body.prompt) + paid(calls)
  expect(inMicroUsd(entries[0]?.cost_usd ?? 0)).toBe(cost)
  const { standings } = await operator.read('killed')
  expect(limitStatus(standings, 'concurrency').used).toBe(0)
  expect(inMicroUsd(limitStatus(standings, 'budget_usd').used)).toBe(cost)
})

test.concurrent('a generation cut short by a crash is settled without another request', async () => {
  const { upstream, gateway: first } = await start()
  const key = await new Operator(first).team('left', { budget_usd: 0.01, concurrency: 1 })
  const body = { ...LOW, prompt: 'A lagoon @delay=4000' }
  const pending = expect(first.sdk({ apiKey: key }).images.generate(body)).rejects.toBeInstanceOf(OpenAI.APIError)
  await vi.waitFor(async () => expect(await upstream.callsFor(body.prompt)).toHaveLength(1), { timeout: 60_000 })

  const second = await crash(first, upstream)
  await pending
  const operator = new Operator(second)
  const settled = async (): Promise<void> =>
    expect((await operator.audit('left')).map(({ status }) => status)).toEqual(['succeeded'])
  await vi.waitFor(settled, { timeout: 60_000, interval: 1000 })
  const { standings } = await operator.read('left')
  expect(limitStatus(standings, 'concurrency').used).toBe(0)
  const cost = quoteOf(body.prompt) + paid(await upstream.callsFor(body.prompt))
  expect(inMicroUsd(limitStatus(standings, 'budget_usd').used)).toBe(cost)
})
