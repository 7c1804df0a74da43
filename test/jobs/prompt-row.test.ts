import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { called, cancel, ended, job } from '../support/jobs'
import { receivers } from '../support/receiver'
import { settings } from '../support/settings'
import { team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

const { upstream } = upstreams()
receivers(upstream)
settings({ CACHE_SCOPE: 'shared' })

const PROMPT = 'A long cat '.repeat(2728).slice(0, 30_000)

/** Stored rows, which hold their prompt or lack it. */
type Row = { task: { request: { prompt?: string } } }

const within = <Value>(id: string, work: (storage: DurableObjectStorage) => Value): Promise<Value> =>
  runInDurableObject(env.GENERATIONS.getByName(id), (_, { storage }) => work(storage))

/** The size of all rows of a generation, in characters. */
const sizeOf = (id: string): Promise<number> =>
  within(id, ({ kv }) => [...kv.list()].reduce((sum, row) => sum + JSON.stringify(row).length, 0))

const kindsOf = (id: string): Promise<string[]> =>
  within(id, ({ kv }) => [...kv.list()].map(([key]) => key.split(':')[0] ?? key).toSorted())

/** Gives the rows of a generation the shape of an earlier version, with a prompt in each. */
const makeEarlier = (id: string): Promise<void> =>
  within(id, ({ kv }) => {
    kv.delete('prompt')
    const rows = ['run', 'job:', 'hook:', 'place:'].flatMap((prefix) => [...kv.list<Row>({ prefix })])
    for (const [key, row] of rows)
      kv.put(key, { ...row, task: { ...row.task, request: { ...row.task.request, prompt: PROMPT } } })
  })

/** A generation in the queues of two teams, with a job of each and a URL. */
async function twiceQueued(): Promise<{ acme: TestTeam; other: TestTeam; busy: string[]; id: string }> {
  const [acme, other] = [await team('acme', { concurrency: 1 }), await team('other', { concurrency: 1 })]
  const busy = [
    await job(acme.key, { prompt: 'A dog @delay=20000' }),
    await job(other.key, { prompt: 'A fox @delay=20000' }),
  ]
  await called(upstream, 2)
  const id = await job(acme.key, { prompt: PROMPT }, { 'x-webhook-url': HOOK })
  await job(other.key, { prompt: PROMPT })
  expect(await kindsOf(id)).toEqual(expect.arrayContaining(['hook', 'job', 'job', 'place', 'run']))
  return { acme, other, busy, id }
}

test.each([
  ['one long prompt, whatever waits for it', async () => {}, 1.3],
  ['the rows of an earlier version, and the prompt of each', makeEarlier, 10],
])('a queued generation holds %s, and none after its end', async (_, change, times) => {
  const { acme, other, busy, id } = await twiceQueued()
  await change(id)
  expect(await sizeOf(id)).toBeLessThan(times * PROMPT.length)
  await Promise.all([acme, other].map(({ key }, at) => cancel(key, busy[at] ?? '')))
  for (const { key } of [acme, other]) expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
  expect(upstream.calls.map(({ fields }) => fields['prompt'])).toEqual([expect.any(String), expect.any(String), PROMPT])
  expect(await sizeOf(id)).toBeLessThan(0.3 * PROMPT.length)
})
