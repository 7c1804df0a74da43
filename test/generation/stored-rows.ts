import { evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import * as z from 'zod'
import type { Generation } from '../../src'
import { ringGenerations } from '../support/alarms'
import { orderOf, reserve } from '../support/orders'
import type { TestTeam } from '../support/teams'
import recorded from './stored-rows.json'

/** The names of the generations that the release before the state machine stored, in what they were doing. */
export type Recorded = keyof typeof recorded

const isRecorded = (name: string): name is Recorded => name in recorded
/** The names of all recorded generations. */
export const RECORDED = Object.keys(recorded).filter(isRecorded)

/** The rows of a recorded generation, by their keys. */
export const rowsOf = (name: Recorded): [key: string, row: unknown][] =>
  recorded[name].rows.flatMap(([key, row]) => (typeof key === 'string' ? [[key, row]] : []))

/** The moment of the recording, in ms since 1970, and the least number that is a moment. */
const [RECORDED_MS, FIRST_MS] = [1_796_049_080_000, 1_790_000_000_000]

/** The rows as they would be stored now. JSON has no undefined, so a text stands for it. */
export function revived(value: unknown, keys: Record<string, string> = {}): unknown {
  if (value === '__undefined__') return undefined
  if (typeof value === 'number' && value > FIRST_MS) return value - RECORDED_MS + Date.now()
  if (Array.isArray(value)) return value.map((each) => revived(each, keys))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => [name, revived(field, keys)])
  const row = Object.fromEntries(fields)
  return 'team' in row && 'key' in row ? { ...row, key: keys[String(row.team)] ?? row.key } : row
}

/** Stores the rows of a recorded generation for the keys of these teams. Returns its id. */
export async function storeRecorded(name: Recorded, teams: Record<string, Pick<TestTeam, 'id'>>): Promise<string> {
  const { id } = recorded[name]
  const keys = Object.fromEntries(Object.entries(teams).map(([team, key]) => [team, key.id]))
  await runInDurableObject(env.GENERATIONS.getByName(id), (_, { storage }) => {
    for (const [key, row] of rowsOf(name)) storage.kv.put(key, revived(row, keys))
  })
  return id
}

const reservedRun = z.object({ reservation: z.string(), task: z.object({ requestId: z.string() }) })

/** Has the team of a recorded run hold the money that it reserved. */
export async function reserveRecorded(name: Recorded, key: TestTeam): Promise<void> {
  const { reservation: id, task } = reservedRun.parse(rowOfRun(name))
  await reserve(orderOf(key, { id, generation: recorded[name].id, request: task.requestId }))
}

/** The recorded row of a run; undefined for a generation without one. */
export const rowOfRun = (name: Recorded): unknown => rowsOf(name).find(([key]) => key === 'run')?.[1]

/** The ends of the ids of the followed requests of the team `acme`, the oldest first. */
export const requestsFollowed = (name: Recorded): string[] =>
  rowsOf(name)
    .filter(([key]) => key.startsWith(FOLLOWED))
    .toSorted(([, one], [, other]) => arrivalOf(one) - arrivalOf(other))
    .map(([key]) => key.slice(FOLLOWED.length))

const FOLLOWED = 'answer:acme/'
const arrivalOf = (row: unknown): number => z.object({ arrivedMs: z.number() }).parse(row).arrivedMs

/** Puts a recorded generation in place of its object, and lets a new process look after it. */
export async function deployed(
  name: Recorded,
  teams: Record<string, Pick<TestTeam, 'id'>>,
): Promise<DurableObjectStub<Generation>> {
  const id = await storeRecorded(name, teams)
  await evictAllDurableObjects()
  const generation = env.GENERATIONS.getByName(id)
  await runInDurableObject(generation, (_, { storage }) => storage.setAlarm(Date.now()))
  await ringGenerations()
  return generation
}

/** The status of a generation for one of its teams. */
export const statusFor = async (generation: DurableObjectStub<Generation>, team: string): Promise<unknown> =>
  (await generation.see(team))?.snapshot.status
