import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { unwrap } from '../../src/failures/errors'
import type { WebhookState } from '../../src/team/webhook'
import { ringTeam } from '../support/alarms'
import { operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK, note } from '../support/webhooks'

upstreams()

const DAY = 86_400_000
const acme = (): ReturnType<typeof env.TEAMS.getByName> => env.TEAMS.getByName('acme')

const webhook = async (): Promise<WebhookState> => unwrap(await acme().webhook())
const kept = async (): Promise<string[]> => unwrap(await acme().deliveries({}, 100)).map(({ id }) => id)

beforeEach(async () => {
  await team('acme')
})

describe('a webhook with a receiver that answers 410', () => {
  test('stays as it is when another one was meant', async () => {
    await acme().changeWebhook({ url: HOOK })
    await note({ url: 'https://other.example.com/', status: 'failed', gone: true })
    await note({ id: 'evt_2', status: 'failed', attempts: 7 })
    expect(await webhook()).toMatchObject({ url: HOOK, disabledMs: undefined })
  })

  test('is disabled from the first 410 on', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    await acme().changeWebhook({ url: HOOK })
    await note({ status: 'failed', gone: true })
    const disabled = await webhook()
    expect(disabled).toMatchObject({ url: HOOK, disabledMs: Date.now() })
    vi.setSystemTime(Date.now() + DAY)
    await note({ id: 'evt_2', status: 'failed', gone: true })
    expect(await webhook()).toEqual(disabled)
  })

  test('is logged without its URL', async () => {
    const logged = vi.spyOn(console, 'log').mockImplementation(() => {})
    await acme().changeWebhook({ url: `${HOOK}?token=secret` })
    await note({ url: `${HOOK}?token=secret`, status: 'failed', gone: true })
    const line = JSON.stringify({ event: 'webhook-disabled', team: 'acme', delivery: 'evt_1' })
    expect(logged.mock.calls).toEqual([[line]])
  })
})

test('a secret is rotated once by repeated calls of one rotation', async () => {
  const [first, second] = [
    await acme().changeWebhook({ endedVersion: 1 }),
    await acme().changeWebhook({ endedVersion: 1 }),
  ]
  expect(first).toMatchObject({ value: { versions: [2, 1] } })
  expect(second).toEqual(first)
})

describe('the history of deliveries', () => {
  test('has 30 days', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    await note({ id: 'evt_1' })
    vi.setSystemTime(Date.now() + DAY)
    await note({ id: 'evt_2' })
    vi.setSystemTime(Date.now() + 29 * DAY + 1)
    await note({ id: 'evt_3' })
    expect(await kept()).toEqual(['evt_3', 'evt_2'])
  })

  test('begins with its team, not with an earlier one of its id', async () => {
    await note({ createdMs: Date.now() - DAY })
    expect(await kept()).toEqual([])
  })

  test('exists for a team older than the history', async () => {
    await runInDurableObject(acme(), (_, { storage }) => void storage.sql.exec('DROP TABLE deliveries'))
    await evictDurableObject(acme())
    await note()
    expect(await kept()).toEqual(['evt_1'])
  })

  test('survives an eviction of the object', async () => {
    await note()
    await evictDurableObject(acme())
    expect(await kept()).toEqual(['evt_1'])
  })
})

describe('a deleted team', () => {
  const deleteAcme = async (): Promise<void> => {
    // No alarm rings by itself meanwhile.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
    await operate('DELETE', '/teams/acme')
  }

  test('has no webhook from then on', async () => {
    await acme().changeWebhook({ url: HOOK })
    await deleteAcme()
    const gone = { ok: false, failure: expect.objectContaining({ code: 'not_found' }) }
    expect(await acme().webhook()).toEqual(gone)
    expect(await acme().changeWebhook({ url: HOOK })).toEqual(gone)
    expect(await acme().changeWebhook({ endedVersion: 1 })).toEqual(gone)
    await note()
  })

  test('leaves nothing to a new team of its id, and no known secret', async () => {
    await acme().changeWebhook({ url: HOOK })
    await note()
    await acme().changeWebhook({ endedVersion: 1 })
    expect(await webhook()).toMatchObject({ versions: [2, 1] })
    await deleteAcme()
    await note({ id: 'evt_2' })
    await ringTeam('acme')
    await team('acme')
    expect(await webhook()).toEqual({
      teamCreatedMs: expect.any(Number),
      url: undefined,
      disabledMs: undefined,
      versions: [3],
      previousUntilMs: undefined,
    })
    expect(await kept()).toEqual([])
  })
})
