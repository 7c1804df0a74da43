import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import { setClock, shiftUploads } from './clock'
import { deleteObjects } from './objects'
import { waitPatiently } from './patience'
import { originalSettings } from './settings'

// Files share an isolate: each begins with the clock, the settings and the empty storage of the first.
setClock()
shiftUploads(env.IMAGES)
waitPatiently()
vi.restoreAllMocks()
vi.useRealTimers()
originalSettings()
await deleteObjects()
await Promise.all([emptyCache(), emptyBucket()])

async function emptyCache(): Promise<void> {
  const { keys, list_complete: isAll } = await env.CACHE.list()
  await Promise.all(keys.map(({ name }) => env.CACHE.delete(name)))
  if (!isAll) await emptyCache()
}

async function emptyBucket(): Promise<void> {
  const { objects, truncated } = await env.IMAGES.list()
  await env.IMAGES.delete(objects.map(({ key }) => key))
  if (truncated) await emptyBucket()
}
