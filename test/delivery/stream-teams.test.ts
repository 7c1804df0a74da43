import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { joined } from '../support/joining'
import { ringGenerations } from '../support/alarms'
import { used } from '../support/accounting'
import { openai } from '../support/gateway'
import { holdReservations } from '../support/reservations'
import { at } from '../support/orders'
import { settings } from '../support/settings'
import { SteppedUpstream } from '../support/stepped-upstream'
import { begin, picturesIn, watch, type Watched, words } from '../support/streams'
import { operate, team, type TestTeam, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

settings({ CACHE_SCOPE: 'shared' })
const { upstream } = upstreams()

const streamFor = ({ key }: TestTeam, partial_images = 2): Watched =>
  watch(begin('generation', { prompt: 'A cat', partial_images }, { client: openai({ apiKey: key }) }))

describe('teams that share a run', () => {
  test('see the same previews, and one of them pays', async () => {
    const [acme, bolt] = [await team('acme', { budget_usd: 10 }), await team('bolt', { budget_usd: 10 })]
    const gate = new SteppedUpstream(upstream, 1)
    const first = streamFor(acme)
    await vi.waitUntil(() => first.events.length === 1)
    const late = streamFor(bolt)
    await vi.waitUntil(() => late.events.length === 1)
    gate.open()
    await Promise.all([first.ended, late.ended])
    expect([words(late.events), picturesIn(late.events)]).toEqual(['0 1 done', picturesIn(first.events)])
    expect([(await used('acme')) > 0, await used('bolt'), upstream.calls.length]).toEqual([true, 0, 1])
  })

  test('are limited separately: a refusal of one leaves the other its previews', async () => {
    const [poor, rich] = [await team('poor', { budget_usd: 0 }), await team('rich')]
    const { waiting, release } = holdReservations()
    const refused = streamFor(poor)
    await vi.waitUntil(() => waiting() === 1)
    const { begun: goesOn } = await joined(() => streamFor(rich))
    release()
    expect(await refused.ended).toMatchObject({ status: 429, code: 'insufficient_quota' })
    expect([await goesOn.ended, words(goesOn.events)]).toEqual([undefined, '0 1 done'])
    expect(upstream.calls).toHaveLength(1)
  })
})

test('a stream that its payer cancels ends with an event, and goes on for another team', async () => {
  const [acme, bolt] = [await team('acme'), await team('bolt')]
  const gate = new SteppedUpstream(upstream, 1)
  const first = streamFor(acme)
  await vi.waitUntil(() => first.events.length === 1)
  const other = streamFor(bolt)
  await vi.waitUntil(() => other.events.length === 1)
  const { data } = await (await visit(acme.key, '/v1/generations')).json<{ data: { id: string }[] }>()
  expect((await visit(acme.key, `/v1/generations/${data[0]?.id}/cancel`, 'POST')).status).toBe(200)
  gate.open()
  expect(await first.ended).toMatchObject({ message: expect.stringContaining('cancelled') })
  expect([await other.ended, words(other.events)]).toEqual([undefined, '0 0 done'])
})

test('a payer deleted after a crash ends the run, and its previews go', async () => {
  const acme = await team('acme')
  const gate = new SteppedUpstream(upstream, 1)
  const { events, ended } = streamFor(acme)
  await vi.waitUntil(() => events.length === 1)
  await operate('DELETE', '/teams/acme')
  await abortAllDurableObjects()
  expect(await ended).toBeInstanceOf(Error)
  gate.open()
  at(Date.now() + 60_001)
  await ringGenerations()
  expect((await env.IMAGES.list({ prefix: 'partials/' })).objects).toEqual([])
})
