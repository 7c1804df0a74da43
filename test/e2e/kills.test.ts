import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Call } from '../support/fake-openai.ts'
import { full } from '../support/full.ts'
import { readJob } from './support/jobs.ts'
import { type Aftermath, type Outcome, killInRounds, TEAMS } from './support/kill-rounds.ts'
import { quoteOfRequest } from './support/load.ts'
import { inMicroUsd, paid, spendingOf } from './support/money.ts'
import { type Entry, limitStatus } from './support/operator.ts'
import { type Hook, type Receiver, type WebhookEvent, idsOf, startReceiver, verified } from './support/receiver.ts'
import { type Upstream, startUpstream } from './support/upstream.ts'

const { seed } = inject('fuzz')
/** `SEED=…` repeats the requests and the pauses of a run. */
const ROUNDS = full ? { rounds: 20, size: 50, longestMs: 3000, seed } : { rounds: 1, size: 20, longestMs: 1500, seed }

/** The most calls of one run. */
const MOST_CALLS = 2

let upstream: Upstream
let receiver: Receiver
let after: Aftermath

beforeAll(async () => {
  upstream = await startUpstream()
  receiver = await startReceiver()
  const startedMs = Date.now()
  after = await killInRounds(ROUNDS, upstream, receiver)
  console.log(JSON.stringify(figures(Date.now() - startedMs)))
}, 1_500_000)
afterAll(async () => {
  await after?.gateway.stop()
  await receiver?.stop()
  await upstream?.stop()
})

/** The outcomes that breach a claim, in short. */
const except = (holds: (outcome: Outcome) => boolean): unknown[] =>
  after.outcomes.filter((outcome) => !holds(outcome)).map(shown)

const shown = ({ request, end, calls, entries }: Outcome): unknown => ({
  ...request,
  hook: request.hook && idsOf(request.hook),
  end,
  calls: calls.map(({ at, endedAt, outcome, tokens }) => ({ at, endedAt, outcome, tokens })),
  entries,
})

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
const costOf = ({ entries }: Outcome): number => sum(entries.map(({ cost_usd: cost }) => inMicroUsd(cost ?? 0)))
const estimateOf = ({ entries }: Outcome): number => sum(entries.map((entry) => inMicroUsd(entry.estimated_usd)))
const attemptsOf = ({ entries }: Outcome): number => sum(entries.map(({ attempts }) => attempts))
/** The number of calls that the ledger has at their quote. */
const lostOf = (outcome: Outcome): number => estimateOf(outcome) / quoteOfRequest(outcome.request)

/** Whether a run lost the most calls to kills: it fails then, and its refusal is kept for a minute. */
const isInterrupted = ({ status, error, attempts, estimated_usd: estimated }: Entry, { request }: Outcome): boolean =>
  status === 'failed' &&
  error === 'upstream_failed' &&
  attempts === MOST_CALLS &&
  inMicroUsd(estimated) === MOST_CALLS * quoteOfRequest(request)

function figures(ms: number): Record<string, number> {
  const { outcomes, calls, kills, restMs, hooks } = after
  const all = [...Object.values(hooks), ...outcomes.flatMap(({ request }) => request.hook ?? [])]
  return {
    seed,
    rounds: ROUNDS.rounds,
    requests: outcomes.length,
    kills: kills.length,
    calls: calls.length,
    cut: calls.filter(({ outcome }) => outcome === 'aborted').length,
    booked_at_quote: sum(outcomes.map(lostOf)),
    made_twice: outcomes.filter((outcome) => outcome.calls.length > 1).length,
    interrupted: sum(outcomes.map((each) => each.entries.filter((entry) => isInterrupted(entry, each)).length)),
    failed_jobs: outcomes.filter(({ end }) => end.refusal === 'failed').length,
    events: sum(all.map(({ attempts }) => attempts.length)),
    usd: sum(outcomes.map(costOf)) / 1e6,
    rest_seconds: restMs / 1000,
    seconds: ms / 1000,
  }
}

test('every request gets its picture in the end, unless the upstream refuses it or kills end its job', () => {
  const hasItsEnd = (outcome: Outcome): boolean => {
    const { request, end, entries } = outcome
    const [last] = entries
    if (end.refusal === undefined) return end.pictures === 1 && !request.isRefused
    if (end.refusal === 'rejected') return request.isRefused
    return end.job !== undefined && last !== undefined && isInterrupted(last, outcome)
  }
  expect(after.outcomes).toHaveLength(ROUNDS.rounds * ROUNDS.size)
  expect(except(hasItsEnd)).toEqual([])
})

test('every run ends with its picture, a refusal of the upstream, or two calls lost to kills', () => {
  const isMeant = (entry: Entry, outcome: Outcome): boolean => {
    if (entry.status === 'succeeded') return !outcome.request.isRefused
    return isInterrupted(entry, outcome) || (outcome.request.isRefused && entry.error === 'content_rejected')
  }
  const isWhole = (outcome: Outcome): boolean =>
    outcome.entries.length > 0 && outcome.entries.every((entry) => isMeant(entry, outcome))
  expect(except(isWhole)).toEqual([])
})

test('every job has exactly one end', async () => {
  const jobs = after.outcomes.flatMap(({ request, end }) => (end.job ? [{ request, job: end.job }] : []))
  expect(jobs.length).toBeGreaterThan(0)
  const endOf = ({ status, error, cost_usd, images }: (typeof jobs)[number]['job']): unknown => ({
    status,
    error,
    cost_usd,
    images: images.length,
  })
  const again = await Promise.all(jobs.map(({ request, job }) => readJob(after.gateway, request.key, job.id)))
  expect(again.map(endOf)).toEqual(jobs.map(({ job }) => endOf(job)))
})

test('the end of every run arrives at its webhooks, under one event id', async () => {
  for (const team of TEAMS) {
    const secret = await after.operator.webhookSecret(team)
    const own = after.outcomes.filter(({ request }) => request.team === team)
    for (const { request, entries } of own) {
      if (!request.hook) continue
      const ends = [...eventsOf(request.hook, secret).values()].map(({ data }) => data.status)
      expect(ends.toSorted(), request.prompt).toEqual(entries.map(({ status }) => status).toSorted())
    }
    const told = eventsOf(after.hooks[team], secret)
    const entries = own.flatMap((outcome) => outcome.entries)
    for (const { run, id, status } of entries) expect(told.get(`evt_${run}`)?.data).toMatchObject({ id, status })
    // A job that is submitted once more has an event of its own.
    const ends = new Set(entries.map(({ id, status }) => `${id} ${status}`))
    expect([...told.values()].filter(({ data }) => !ends.has(`${data.id} ${data.status}`))).toEqual([])
  }
})

/** The events of a webhook by their ids. However often one arrives, it has one body. */
function eventsOf({ attempts }: Hook, secret: string): Map<string, WebhookEvent> {
  const byId = Map.groupBy(attempts, ({ headers }) => String(headers['webhook-id']))
  return new Map(
    [...byId].map(([id, repeated]) => {
      const [first] = repeated.map((attempt) => verified(attempt, secret))
      expect(new Set(repeated.map(({ body }) => body)).size).toBe(1)
      return [id, first ?? expect.fail(`event ${id} has no attempt`)]
    }),
  )
}

test('no reservation is left', async () => {
  for (const team of TEAMS) {
    const { standings } = await after.operator.read(team)
    expect(limitStatus(standings, 'concurrency').used).toBe(0)
  }
})

test('the ledger equals the count of the upstream, with the calls of the kills at their quotes', async () => {
  expect(except(isBookedAsCounted)).toEqual([])
  for (const team of TEAMS) {
    const own = after.outcomes.filter(({ request }) => request.team === team)
    const total = sum(own.map(costOf))
    const { usage, budget, audit } = await spendingOf({ ...after, upstream }, team, after.keys[team], [])
    expect({ usage, budget, audit }).toEqual({ usage: total, budget: total, audit: total })
  }
})

/** A request costs its lost calls at their quote, and its picture by the tokens of its call. */
function isBookedAsCounted(outcome: Outcome): boolean {
  const { calls, end, request } = outcome
  const quote = quoteOfRequest(request)
  const [lost, made] = [lostOf(outcome), costOf(outcome) - estimateOf(outcome)]
  const cut = calls.filter((call) => call.outcome === 'aborted').length
  if (!Number.isInteger(lost) || lost < cut) return false
  if (end.pictures === 0) return made === 0
  // A kill after the picture and before the usage leaves the price of the picture.
  return calls.some((call) => call.outcome === 'answered' && [paid([call]), quote].includes(made))
}

test('no run asks the upstream more than twice, and none without a kill between', () => {
  const hasKillBetween = (one: Call, next: Call): boolean =>
    after.kills.some(({ fromMs, toMs }) => one.at <= toMs && fromMs <= next.at)
  const isAskedInTurn = ({ calls }: Outcome): boolean =>
    calls.every((call, index) => calls.slice(index + 1).every((next) => hasKillBetween(call, next)))
  const isBounded = (outcome: Outcome): boolean =>
    outcome.entries.every(({ attempts }) => attempts <= MOST_CALLS) && outcome.calls.length <= attemptsOf(outcome)
  expect(except((outcome) => isAskedInTurn(outcome) && isBounded(outcome))).toEqual([])
  expect(except(({ entries }) => entries.filter(({ status }) => status === 'succeeded').length <= 1)).toEqual([])
})
