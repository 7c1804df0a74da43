import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { configOf } from '../../src/config'
import type { Upstream } from '../../src/providers/provider'
import { enter, leave } from '../../src/upstreams/accounts'
import { accounts, small, standingOf } from '../support/accounts'
import { audit } from '../support/accounting'
import { ringGenerations } from '../support/alarms'
import { holdTeam } from '../support/held-team'
import { internet } from '../support/internet'
import { ended, job, startJob } from '../support/jobs'
import { environment } from '../support/settings'
import { team } from '../support/teams'
import { trouble } from '../support/trouble'

const fake = accounts([{ name: 'lone', secret: 'LONE_KEY', models: ['lone=relay-1'], max_concurrency: 1 }], {
  LONE_KEY: 'key-lone',
  QUEUE_WAIT_SECONDS: 60,
})

const CAT = small('lone', 'A cat')
const HELD = { id: 'held', model: 'relay-1', payer: 'acme', request: 'held' }

function lone(): Upstream {
  const upstream = configOf(environment()).upstreams.find(({ name }) => name === 'lone')
  if (!upstream) throw new Error('the upstream is not configured')
  return upstream
}

/** Takes the one slot of the account, or waits for it before all that enter later. */
const hold = (): Promise<unknown> =>
  enter(env.ACCOUNTS, lone(), { ...HELD, holdMs: 60_000, patienceMs: 20_000, isOnlyCandidate: true })

const free = (): Promise<void> => leave(env.ACCOUNTS, lone(), HELD, { is: 'cancelled' })

const waiting = (): Promise<boolean> => vi.waitUntil(async () => (await standingOf('lone')).waiting === 1)

async function crash(): Promise<void> {
  await abortAllDurableObjects()
  await ringGenerations()
}

/** More deaths than a run with calls in hand survives. */
const DEATHS = 3

describe('a death counts only with a call in hand', () => {
  test('so that a job waits for a slot through any number of them', async () => {
    const { key } = await team('acme')
    await hold()
    const id = await job(key, CAT)
    for (let death = 0; death < DEATHS; death++) {
      await waiting()
      await crash()
    }
    await waiting()
    await free()
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 1 }])
  })

  test('and once for each call: the wait for a slot of the second call goes on', async () => {
    const { key } = await team('acme')
    fake.close()
    const id = await job(key, CAT)
    await vi.waitUntil(() => fake.visits.length === 1)
    await abortAllDurableObjects()
    const held = hold()
    await waiting()
    await ringGenerations()
    await held
    await hold()
    fake.open()
    for (let death = 0; death < DEATHS; death++) {
      await waiting()
      await crash()
    }
    await waiting()
    await free()
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 2 }])
    expect(fake.visits).toHaveLength(2)
  })

  test('and once for each call: a run that asks its team for the second call goes on', async () => {
    const { key } = await team('acme')
    fake.close()
    const id = await job(key, CAT)
    await vi.waitUntil(() => fake.visits.length === 1)
    const { asked } = holdTeam('reserve')
    const rung: Promise<unknown>[] = []
    for (let death = 0; death < DEATHS; death++) {
      await abortAllDurableObjects()
      rung.push(ringGenerations().catch(() => {}))
      await vi.waitUntil(() => asked() > death)
    }
    vi.restoreAllMocks()
    internet({ 'accounts.example.com': fake })
    fake.open()
    await crash()
    await Promise.all(rung)
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 2 }])
    expect(fake.visits).toHaveLength(2)
  })

  test('so that a run asks its team again, whatever became of the replies', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const { asked } = holdTeam('reserve')
    const submitted = startJob(key, CAT).catch(() => {})
    for (let death = 0; death < DEATHS; death++) {
      await vi.waitUntil(() => asked() > death)
      await crash()
    }
    await submitted
    vi.restoreAllMocks()
    internet({ 'accounts.example.com': fake })
    await crash()
    await vi.waitUntil(async () => (await audit('acme'))[0]?.status === 'succeeded')
    expect(await audit('acme')).toMatchObject([{ attempts: 1 }])
  })
})

test('an accepted job outlives a team that cannot be reached after a death', async () => {
  const { key } = await team('acme')
  await hold()
  const id = await job(key, CAT)
  await waiting()
  const told = trouble('reserve')
  await crash()
  await vi.waitUntil(() => told.failures === 2)
  vi.restoreAllMocks()
  internet({ 'accounts.example.com': fake })
  await vi.waitUntil(async () => (await ringGenerations()) === 1 && (await standingOf('lone')).waiting === 1)
  await free()
  expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
  expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 1 }])
})
