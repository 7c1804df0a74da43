import { pause, withDeadline } from '../runtime/deadline'
import { type ImageRecord, imageRecord } from '../image/record'
import { describe, log } from '../runtime/log'
import { oncePer } from '../runtime/once-per'
import { HotRecords } from './hot-records'

/** The time for a read, in ms: a miss costs one call of an object. */
const FIND_MS = 3000
/** The time for a write, in ms. */
const CHANGE_MS = 5000

const recordKey = (id: string): string => `records/${id}`

/** The hot records of an isolate, by its bindings. */
const memoryOf = oncePer<Env, HotRecords>(() => new HotRecords())

/**
 * The finished generation, from the memory of the isolate or from KV. Undefined when it is missing, or when KV fails or
 * takes long.
 */
export async function getRecord(env: Env, id: string): Promise<ImageRecord | undefined> {
  const [memory, nowMs] = [memoryOf(env), Date.now()]
  const hot = memory.find(id, nowMs)
  if (hot) return hot.record
  const read = await readRecord(env.CACHE, id)
  return read && memory.noteRead(read, nowMs)
}

async function readRecord(cache: KVNamespace, id: string): Promise<ImageRecord | undefined> {
  try {
    const found = await withDeadline(FIND_MS, () => cache.get(recordKey(id), 'json'))
    return found === null ? undefined : imageRecord.parse(found)
  } catch (error) {
    log('record-unreadable', { id, ...describe(error) })
    return undefined
  }
}

/** Has this isolate serve a record that was just made, in place of an older one. */
export const noteMade = (env: Env, record: ImageRecord): void => memoryOf(env).noteChange(record.id, record)

/** Has this isolate ask the generation, and not KV, for a second after the removal of its record. */
export const noteRemoved = (env: Env, id: string): void => memoryOf(env).noteChange(id, undefined)

/** Removes the record. Reads may still return it for a minute. */
export async function removeRecord(cache: KVNamespace, id: string): Promise<void> {
  try {
    await withDeadline(CHANGE_MS, () => cache.delete(recordKey(id)))
  } catch (error) {
    log('record-not-removed', { id, ...describe(error) })
  }
}

/** KV takes one write of a key per second (platform §1). */
const SAME_KEY_PAUSE_MS = 1100

/** Copies a finished generation to KV for all Workers. `ttlSeconds` is at least 60, the minimum of KV. */
export async function putRecord(cache: KVNamespace, record: ImageRecord, ttlSeconds: number): Promise<void> {
  const write = (): Promise<void> =>
    withDeadline(CHANGE_MS, () =>
      cache.put(recordKey(record.id), JSON.stringify(record), { expirationTtl: ttlSeconds }),
    )
  try {
    await write().catch(async () => {
      await pause(SAME_KEY_PAUSE_MS)
      await write()
    })
  } catch (error) {
    log('record-not-copied', { id: record.id, ...describe(error) })
  }
}
