import { abortAllDurableObjects, evictAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ringTeam } from '../support/alarms'
import {
  type Audited,
  audit,
  generate,
  micro,
  ownUsage,
  limitStatus,
  sum,
  usageRows,
  used,
} from '../support/accounting'
import type { BillingUpstream } from '../support/billing-upstream'
import { full } from '../support/full'
import { MixedRun, type Told } from '../support/mixed-run'
import { NOON } from '../support/orders'
import { type IssuedKey, issue, team } from '../support/teams'
import { addUpstreams } from '../support/settings'
import { FAULTY_UPSTREAMS, quick } from '../support/traffic'
import { upstreams } from '../support/upstreams'

addUpstreams(FAULTY_UPSTREAMS)

const { upstream } = upstreams()

/** An even number: every second round cuts an answer short. */
const ROUNDS = full ? 10 : 4
const REQUESTS = 100 * ROUNDS

/** A team of twelve keys with limits too low for a lease, so that free answers count at once. */
async function twelveKeys(): Promise<IssuedKey[]> {
  await team('acme', { budget_usd: 100, concurrency: 1000, images_per_day: 10_000 })
  return await Promise.all(Array.from({ length: 12 }, () => issue('acme', { limits: { requests_per_day: 99 } })))
}

/** Sends every request, and waits for the end of each generation. */
async function sendAll(run: MixedRun): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(run.send(quick(round)))
    await run.counted()
    await run.disturbed(round, round % 3)
    if (round % 2) await run.cutShort(round)
    else await run.overdue(round)
    await evictAllDurableObjects()
  }
  await run.quiet()
}

/** Holds money for a run without a settlement until it expires. */
async function abandon({ id: key }: IssuedKey): Promise<void> {
  const order = {
    id: 'run_0',
    generation: 'gen_0',
    request: 'req_0',
    key,
    model: 'gpt-image-2',
    size: 'auto',
    operation: 'generate',
  }
  const holdMs = 1000
  await env.TEAMS.getByName('acme').reserve({ ...order, prompt: '', images: 1, quote: 5000, holdMs }, false)
  vi.setSystemTime(Date.now() + holdMs)
  await ringTeam('acme')
}

/** The models with a usage in each useless answer. */
const WITH_USAGE = ['cut', 'bad-base64', 'not-an-image', 'empty'].map((fault) => `faulty-${fault}`)

/** The calls with a usage in their answer: all but those with an estimate. */
function callsWithUsage({ model, status, attempts, estimated_usd, reserved_usd }: Audited): number {
  const estimates = micro(estimated_usd) / micro(reserved_usd)
  if (WITH_USAGE.includes(model)) return attempts - estimates
  return status === 'succeeded' ? 1 : 0
}

/** The cost of a run: answers at the upstream's prices or, when cut, at the held quote, with all estimates. */
function due(entry: Audited, gate: BillingUpstream): number {
  const { status, upstream_request_id, prompt, input_tokens, reserved_usd, estimated_usd } = entry
  const calls = callsWithUsage(entry)
  if (calls === 0) return micro(estimated_usd)
  const isCut = status === 'succeeded' && input_tokens === null
  const each = isCut ? micro(reserved_usd) : (gate.bill(upstream_request_id, prompt) ?? NaN)
  return micro(estimated_usd) + calls * each
}

/** Entries with an estimate other than the quotes of whole calls. */
const misestimated = (entries: readonly Audited[]): Audited[] =>
  entries.filter(({ estimated_usd, reserved_usd }) => micro(estimated_usd) % micro(reserved_usd) !== 0)

const costOf = ({ cost_usd }: { cost_usd: number | null }): number => micro(cost_usd)

/** Compares every total of a team's spending and returns it. */
async function agreed(entries: readonly Audited[], keys: readonly IssuedKey[]): Promise<number> {
  const cost = sum(entries.map(costOf))
  const owns = await Promise.all(keys.map(({ key }) => ownUsage(key)))
  expect({
    usage: sum((await usageRows('acme')).map(costOf)),
    keys: sum(owns.map(({ totals }) => costOf(totals))),
    teams: new Set(owns.map(({ team_totals }) => costOf(team_totals))),
    standing: await used('acme'),
  }).toEqual({ usage: cost, keys: cost, teams: new Set([cost]), standing: cost })
  return cost
}

/** Each answer made for its caller has one entry, with the cost that the caller read. */
function expectEntries(made: readonly Told[], succeeded: readonly Audited[]): void {
  const costs = new Map(succeeded.map((entry) => [entry.request_id, costOf(entry)]))
  expect(costs.size).toBe(succeeded.length)
  expect(made.map(({ requestId }) => costs.get(requestId))).toEqual(made.map(({ cost }) => cost))
}

/** Moves the clock on from noon, so that no day ends during the test. */
const fromNoon = (): unknown => vi.useFakeTimers({ toFake: ['Date'], now: NOON, shouldAdvanceTime: true })

describe('the accounting of a team', () => {
  beforeEach(fromNoon)

  test(
    `agrees to the micro-dollar after ${REQUESTS} requests with all kinds of outcomes`,
    { timeout: 600_000 },
    async () => {
      const keys = await twelveKeys()
      const run = new MixedRun(keys, upstream)
      await sendAll(run)
      await Promise.all(keys.slice(0, 1).map(abandon))
      expect(run.sent).toBe(REQUESTS)

      const entries = await audit('acme', 100)
      const succeeded = entries.filter(({ status }) => status === 'succeeded')
      expect(entries.map(costOf)).toEqual(entries.map((entry) => due(entry, run.gate)))
      expect(misestimated(entries)).toEqual([])
      expect(await agreed(entries, keys)).toBeGreaterThan(0)
      expectEntries(run.answers('MISS', 'BYPASS'), succeeded)
      expect(run.answers('HIT', 'JOINED').filter(({ cost }) => cost > 0)).toEqual([])

      const { team_totals } = await ownUsage(keys[0]?.key ?? '')
      expect(team_totals).toMatchObject({
        hits: run.answers('HIT').length,
        joins: run.answers('JOINED').length,
        generations: entries.length,
        failures: entries.length - succeeded.length,
        images: sum(succeeded.map(({ images }) => images.length)),
      })
      expect((await limitStatus('acme', 'images_per_day')).used).toBe(team_totals.images)
      expect(new Set(entries.map(({ status }) => status))).toEqual(new Set(['succeeded', 'failed', 'expired']))
      expect(succeeded.filter(({ input_tokens }) => input_tokens === null)).toHaveLength(ROUNDS / 2)
      expect((await limitStatus('acme', 'concurrency')).used).toBe(0)
    },
  )

  test('agrees at any moment in which processes die', { timeout: 300_000 }, async () => {
    const keys = await twelveKeys()
    const run = new MixedRun(keys, upstream)
    for (let round = 0; round < ROUNDS / 2; round++) {
      const answers = run.send(quick(round))
      for (const share of [20, 40, 60]) {
        await vi.waitUntil(() => run.told.length >= round * 80 + share, { timeout: 60_000, interval: 1 })
        await abortAllDurableObjects()
      }
      await Promise.all(answers)
    }
    await run.quiet()
    const entries = await audit('acme')
    expect(entries.map(costOf)).toEqual(entries.map((entry) => due(entry, run.gate)))
    expect(await agreed(entries, keys)).toBeGreaterThan(0)
    expectEntries(
      run.answers('MISS', 'BYPASS'),
      entries.filter(({ status }) => status === 'succeeded'),
    )
  })

  test('counts free answers of a lease', { timeout: 120_000 }, async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const run = new MixedRun([{ id: '', key }], upstream)
    for (let round = 0; round < 5; round++)
      await Promise.all(run.send(Array.from({ length: 60 }, () => (by: string) => generate(by, 'A cat'))))
    await run.counted()
    const { hits, joins, ...totals } = (await ownUsage(key)).totals
    expect([hits, joins]).toEqual([run.answers('HIT').length, run.answers('JOINED').length])
    expect([hits + joins, totals.generations]).toEqual([299, 1])
    expect(micro(totals.saved_usd)).toBe(299 * (await used('acme')))
  })
})
