import { expect, test, vi } from 'vitest'
import { ask } from './support/requests.ts'
import { crashes } from './support/crashes.ts'
import type { Gateway } from './support/gateway.ts'
import { cancelJob, waitForEnd, submitJob, readJob } from './support/jobs.ts'
import { callsBeginning, mostAtOnce, paid, quoteOf, spendingOf } from './support/money.ts'
import { Operator, limitStatus } from './support/operator.ts'
import { decodePng } from './support/pictures.ts'
import { served } from './support/served.ts'

const running = served()
/** A gateway where requests wait a second for their turn. */
const impatient = served({ QUEUE_WAIT_SECONDS: '1' })

const { start, crash } = crashes()

const submitAll = async (gateway: Gateway, key: string, times: number, prompt: string): Promise<string[]> => {
  const numbers = Array.from({ length: times }, (_, number) => number)
  const jobs = await Promise.all(
    numbers.map((number) => submitJob(gateway, key, { prompt: `${prompt} number ${number}` })),
  )
  return jobs.map(({ id }) => id)
}

test.concurrent('30 jobs of a team with a concurrency of 3 all end, 3 at a time, at their exact cost', async () => {
  const key = await running.operator.team('many', { concurrency: 3, budget_usd: 10 })
  const ids = await submitAll(running.gateway, key, 30, 'A brick @delay=300')
  expect(new Set(ids).size).toBe(30)
  const all = await waitForEnd(running.gateway, key, ids)
  expect(all.map(({ status }) => status)).toEqual(ids.map(() => 'succeeded'))
  const calls = await callsBeginning(running.upstream, 'A brick')
  expect(calls).toHaveLength(30)
  expect(mostAtOnce(calls)).toBe(3)
  const total = paid(calls)
  expect(await spendingOf(running, 'many', key, calls)).toEqual({
    usage: total,
    budget: total,
    audit: total,
    upstream: total,
  })
})

test.concurrent('30 jobs survive a crash of the gateway', { timeout: 400_000 }, async () => {
  const first = await start()
  const key = await first.operator.team('killed', { concurrency: 3, budget_usd: 10 })
  const ids = await submitAll(first.gateway, key, 30, 'A tile @delay=3000')
  // At three pending calls: an answer lost on its way would be paid, and the gateway could not know.
  const isMidway = async (): Promise<void> => {
    const calls = await callsBeginning(first.upstream, 'A tile')
    expect(calls.filter(({ outcome, at }) => outcome === 'pending' && Date.now() - at < 1500)).toHaveLength(3)
    expect(calls.length).toBeGreaterThan(8)
  }
  await vi.waitFor(isMidway, { timeout: 60_000, interval: 100 })

  const gateway = await crash(first.gateway, first.upstream)
  const second = { ...first, gateway, operator: new Operator(gateway) }
  const all = await waitForEnd(second.gateway, key, ids)
  expect(all.map(({ status, error }) => ({ status, error }))).toEqual(
    ids.map(() => ({ status: 'succeeded', error: null })),
  )
  const calls = await callsBeginning(first.upstream, 'A tile')
  expect(mostAtOnce(calls)).toBe(3)
  const { upstream, ...ours } = await spendingOf(second, 'killed', key, calls)
  const lost = calls
    .filter(({ outcome }) => outcome === 'aborted')
    .map(({ fields }) => quoteOf(String(fields['prompt'])))
  const total = lost.reduce((sum, quote) => sum + quote, upstream)
  expect(Object.values(ours)).toEqual([total, total, total])
  const entries = await second.operator.audit('killed')
  expect(entries.map(({ status }) => status)).toEqual(ids.map(() => 'succeeded'))
  expect(limitStatus((await second.operator.read('killed')).standings, 'concurrency').used).toBe(0)
  const [job] = all
  const linked = await fetch(job?.images[0]?.url ?? '')
  expect(decodePng(Buffer.from(await linked.arrayBuffer()))).toEqual({ width: 16, height: 16 })
})

test.concurrent('a job that is cancelled is taken back from the upstream, costs its quote and makes room', async () => {
  const key = await running.operator.team('undecided', { concurrency: 1, budget_usd: 1 })
  const prompt = 'A statue @delay=60000'
  const { id } = await submitJob(running.gateway, key, { prompt })
  const waiting = await submitJob(running.gateway, key, { prompt: 'A plinth' })
  const given = await submitJob(running.gateway, key, { prompt: 'A pedestal' })
  expect(waiting).toMatchObject({ status: 'queued', queued_before: 0 })
  expect(given).toMatchObject({ status: 'queued', queued_before: 1 })
  await vi.waitFor(async () => expect(await running.upstream.callsFor(prompt)).toHaveLength(1), { timeout: 60_000 })
  expect(await cancelJob(running.gateway, key, given.id)).toMatchObject({ status: 'cancelled' })
  expect(await cancelJob(running.gateway, key, id)).toMatchObject({
    status: 'cancelled',
    cost_usd: quoteOf(prompt) / 1e6,
    images: [],
  })
  const aborted = async (): Promise<void> =>
    expect((await running.upstream.callsFor(prompt)).map(({ outcome }) => outcome)).toEqual(['aborted'])
  await vi.waitFor(aborted, { timeout: 60_000 })
  expect(await waitForEnd(running.gateway, key, [waiting.id])).toMatchObject([{ status: 'succeeded' }])
  expect(await cancelJob(running.gateway, key, id)).toMatchObject({ status: 'cancelled' })
  await expect(cancelJob(running.gateway, key, waiting.id)).rejects.toThrow('409')
  expect(await running.upstream.callsFor('A pedestal')).toEqual([])
  const calls = await running.upstream.callsFor('A plinth')
  const total = quoteOf(prompt) + paid(calls)
  expect(await spendingOf(running, 'undecided', key, calls)).toMatchObject({
    usage: total,
    budget: total,
    upstream: paid(calls),
  })
})

test.concurrent('a request that waits for its turn gets 202 and its location, never a refusal', async () => {
  const key = await impatient.operator.team('busy', { concurrency: 1 })
  await submitJob(impatient.gateway, key, { prompt: 'An arch @delay=8000' })
  const asked = (number: number): Promise<Response> =>
    ask(impatient.gateway, { key, headers: { prefer: 'wait=2' }, body: { prompt: `A column, number ${number}` } })
  const answers = await Promise.all(Array.from({ length: 20 }, (_, number) => asked(number)))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202))
  const jobs: { id: string }[] = await Promise.all(answers.map(async (answer) => JSON.parse(await answer.text())))
  const ids = jobs.map(({ id }) => id)
  const all = await waitForEnd(impatient.gateway, key, ids)
  expect(all.map(({ status, error }) => ({ status, error }))).toEqual(
    ids.map(() => ({ status: 'succeeded', error: null })),
  )
})

test.concurrent('a job that ends within its wait is answered with its pictures', async () => {
  const body = { prompt: 'A dome @delay=1000' }
  const answer = await ask(running.gateway, { headers: { prefer: 'wait=30' }, body })
  expect([answer.status, answer.headers.get('x-cache')]).toEqual([200, 'MISS'])
  const job = await submitJob(running.gateway, running.gateway.key, body)
  const shown = await readJob(running.gateway, running.gateway.key, job.id)
  expect(shown).toMatchObject({ status: 'succeeded', cost_usd: 0 })
  const whole: { data: { b64_json: string }[] } = JSON.parse(await answer.text())
  expect(shown.result?.data[0]?.b64_json).toBe(whole.data[0]?.b64_json)
})
