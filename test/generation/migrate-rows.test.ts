import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { openRows } from '../../src/generation/rows/open-rows'
import { upstreams } from '../support/upstreams'
import { RECORDED, rowsOf, storeRecorded } from './stored-rows'

upstreams()

/** Every kind of row that a generation stores (storage §3). */
const KINDS = [
  'answer',
  'body',
  'event',
  'held',
  'hook',
  'job',
  'kept',
  'owed',
  'partials',
  'place',
  'prompt',
  'refused',
  'run',
]

const kindOf = (key: string): string => key.replace(/:.*/, '')

/** Reads every row of a generation in storage, and returns the logged lines about rows that cannot be read. */
async function unreadable(id: string): Promise<string[]> {
  const log = vi.spyOn(console, 'log')
  await runInDurableObject(env.GENERATIONS.getByName(id), (_, { storage }) => {
    const { receivers, state } = openRows(storage, env)
    state.load(receivers.subscribers, Date.now())
    for (const [key] of storage.kv.list({ prefix: 'answer:' })) {
      const [, team = '', request = ''] = /^answer:(.+)\/(.+)$/.exec(key) ?? []
      receivers.answers.of(team, request)
    }
  })
  const lines = log.mock.calls.map(([line]) => String(line))
  log.mockRestore()
  return lines.filter((line) => line.includes('-unreadable'))
}

test('every kind of row is recorded', () => {
  const kinds = RECORDED.flatMap((name) => rowsOf(name).map(([key]) => kindOf(key)))
  expect([...new Set(kinds)].toSorted()).toEqual(KINDS)
})

test.each(RECORDED)('every row of the release before is read: %s', async (name) => {
  expect(await unreadable(await storeRecorded(name, {}))).toEqual([])
})

/** A row of each kind with a schema. The text of a prompt or a body is read when it is used. */
const OF_EACH_KIND = KINDS.filter((kind) => kind !== 'prompt' && kind !== 'body')

test.each(OF_EACH_KIND)('a row of another shape is logged: %s', async (kind) => {
  const name = RECORDED.find((each) => rowsOf(each).some(([key]) => kindOf(key) === kind)) ?? 'queued'
  const id = await storeRecorded(name, {})
  const keys = rowsOf(name).flatMap(([key]) => (kindOf(key) === kind ? [key] : []))
  await runInDurableObject(env.GENERATIONS.getByName(id), (_, { storage }) => {
    for (const key of keys) storage.kv.put(key, { another: 'shape' })
  })
  expect(await unreadable(id)).toHaveLength(keys.length)
})
