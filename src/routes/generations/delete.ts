import type { Context } from 'hono'
import type { App } from '../../context'
import { isEnded } from '../../delivery/job-status'
import { forgetGeneration, forgetImage, forgetJob } from '../../generation/generations'
import { authenticate } from '../../http/authenticate'
import { keptKeysOf } from '../../ledger/entry'
import { type Failure, GatewayError } from '../../failures/errors'
import { removeEdgeCopy } from '../../store/edge-copies'
import { ENTRIES_AT_ONCE, keyOfPath, removeImages } from '../../store/images'
import { askTeam } from '../../team/ask-team'
import { entryOfOwnImage } from '../../team/own-image'
import { entriesOf } from './entries'
import { idAt, NOT_FOUND, generationStatusOf } from './status'

/**
 * `DELETE /v1/generations/{id}`: removes the images and the cached answer; the cost stays in the ledger. Throws
 * GatewayError.
 */
export async function deleteGeneration(c: Context<App>): Promise<Response> {
  const [{ team }, id] = [await authenticate(c), idAt(c)]
  const { seen } = await generationStatusOf(c, team, id)
  let batch = await entriesOf(c, team, { generation: id }, ENTRIES_AT_ONCE)
  // The newest entry comes first, and runs of one generation never overlap.
  const isRunning = batch[0]?.status === 'running' || (seen && !isEnded(seen.snapshot))
  if (isRunning) throw new GatewayError(STILL_RUNNING)
  await forgetJob(c.env.GENERATIONS, id, team)
  while (batch.length > 0) {
    await removeEverywhere(c, batch.flatMap(keptKeysOf))
    await forgetGeneration(c.env.GENERATIONS, id)
    for (const entry of batch)
      await askTeam(c.env, team, async (stub) => await stub.discard(entry.id, keptKeysOf(entry)))
    batch = batch.length < ENTRIES_AT_ONCE ? [] : await entriesOf(c, team, { generation: id }, ENTRIES_AT_ONCE)
  }
  return c.json({ object: 'generation', id, deleted: true })
}

/** `DELETE /images/…`: removes one image, named by the path of its link. Throws GatewayError. */
export async function deleteImage(c: Context<App>): Promise<Response> {
  const { team } = await authenticate(c)
  const key = keyOfPath(c.req.path) ?? ''
  const entry = await entryOfOwnImage(c.env, team, key)
  if (!entry) throw new GatewayError(NOT_FOUND)
  await removeEverywhere(c, [key])
  await forgetImage(c.env.GENERATIONS, key)
  await askTeam(c.env, team, async (stub) => await stub.discard(entry.id, [key]))
  return c.json({ object: 'image', id: key, deleted: true })
}

/** The limit of Cache API calls for one request on every plan (platform §1). */
const MAX_EDGE_COPIES = 50

/** Removes images from R2 and from the cache of this data centre. Other data centres show their copies for up to 1 h. */
async function removeEverywhere(c: Context<App>, keys: readonly string[]): Promise<void> {
  await removeImages(c.env.IMAGES, keys)
  const { origin } = new URL(c.req.url)
  await Promise.allSettled(keys.slice(0, MAX_EDGE_COPIES).map((key) => removeEdgeCopy(origin, key)))
}

const STILL_RUNNING: Failure = {
  code: 'conflict',
  message: 'This generation has not ended. Cancel it with POST /v1/generations/{id}/cancel, or delete it when it has.',
  retryAfterMs: 5000,
}
