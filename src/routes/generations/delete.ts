import type { Context } from 'hono'
import type { App } from '../../context'
import { forgetGeneration, forgetImage, forgetJob, restSettled } from '../../generation/generations'
import { OwnTeam } from '../../http/own-team'
import { type Entry, keptKeysOf } from '../../ledger/entry'
import { isEnded, type Snapshot } from '../../ledger/snapshot'
import { type Failure, GatewayError } from '../../failures/errors'
import { CALLS_PER_REMOVAL, removeEdgeCopies } from '../../store/edge-copies'
import { ENTRIES_AT_ONCE, keyOfPath, removeImages, runOfKey } from '../../store/images'
import { askTeam } from '../../team/ask-team'
import type { OwnImage } from '../../team/reads'
import { entriesOf } from './entries'
import { idAt, NOT_FOUND, generationStatusOf } from './status'

/**
 * `DELETE /v1/generations/{id}`: removes the images and the cached answer; the cost stays in the ledger. Throws
 * GatewayError.
 */
export async function deleteGeneration(c: Context<App>): Promise<Response> {
  const [team, id] = [OwnTeam.of(c), idAt(c)]
  const { seen } = await generationStatusOf(c, team, id)
  await removeGeneration(c, team.caller.team, { id, snapshot: seen?.snapshot, stillRunning: STILL_RUNNING })
  return c.json({ object: 'generation', id, deleted: true })
}

/**
 * Removes the images and the answers of a generation of a team; `snapshot` is its state. Throws GatewayError
 * `stillRunning` for one without an end.
 */
export async function removeGeneration(
  c: Context<App>,
  team: string,
  { id, snapshot, stillRunning }: { id: string; snapshot: Snapshot | undefined; stillRunning: Failure },
): Promise<void> {
  if (snapshot && !isEnded(snapshot)) throw new GatewayError(stillRunning)
  let page = await entriesOf(c, team, { generation: id }, ENTRIES_AT_ONCE)
  // The newest entry comes first, and runs of one generation never overlap.
  if (page.entries[0]?.status === 'running') {
    // A client may hear of its images before the settlement.
    await restSettled(c.env.GENERATIONS, id)
    page = await entriesOf(c, team, { generation: id }, ENTRIES_AT_ONCE)
  }
  if (page.entries[0]?.status === 'running') throw new GatewayError(stillRunning)
  await forgetJob(c.env.GENERATIONS, id, team)
  for (;;) {
    await removeEverywhere(c, page.entries.flatMap(keptKeysOf))
    if (page.entries.length > 0) await forgetGeneration(c.env, id)
    for (const entry of page.entries) await discardImages(c, team, entry, keptKeysOf(entry))
    if (!page.next) return
    page = await entriesOf(c, team, { generation: id }, ENTRIES_AT_ONCE, page.next)
  }
}

const discardImages = (c: Context<App>, team: string, { id, started_ms }: Entry, keys: string[]): Promise<void> =>
  askTeam(c.env, team, async (stub) => await stub.discard(id, keys, started_ms))

/** `DELETE /images/…`: removes one image, named by the path of its link. Throws GatewayError. */
export async function deleteImage(c: Context<App>): Promise<Response> {
  const [team, key] = [OwnTeam.of(c), keyOfPath(c.req.path) ?? '']
  const find = (): Promise<OwnImage> => team.ask(async (stub, sent) => await stub.imageAs(sent, key))
  const [found, generation] = [await find(), runOfKey(key)?.generation]
  // A client may hear of its image before the settlement.
  if (found.isRunning && generation !== undefined) await restSettled(c.env.GENERATIONS, generation)
  const { entry } = found.isRunning ? await find() : found
  if (!entry) throw new GatewayError(NOT_FOUND)
  await removeEverywhere(c, [key])
  await forgetImage(c.env, key)
  await discardImages(c, team.caller.team, entry, [key])
  return c.json({ object: 'image', id: key, deleted: true })
}

/** The limit of Cache API calls for one request on every plan (platform §1). */
const MAX_CACHE_CALLS = 50

/** Removes images from R2 and from the cache of this data centre. Other data centres show their copies for up to 1 h. */
async function removeEverywhere(c: Context<App>, keys: readonly string[]): Promise<void> {
  await removeImages(c.env.IMAGES, keys)
  const origin = c.get('origin')
  const removable = keys.slice(0, MAX_CACHE_CALLS / CALLS_PER_REMOVAL)
  await Promise.all(removable.map((key) => removeEdgeCopies(origin, key)))
}

const STILL_RUNNING: Failure = {
  code: 'conflict',
  message: 'This generation has not ended. Cancel it with POST /v1/generations/{id}/cancel, or delete it when it has.',
  retryAfterMs: 5000,
}
