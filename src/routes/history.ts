import type { Context } from 'hono'
import * as z from 'zod'
import { authenticate } from '../http/authenticate'
import { type App, linkOf } from '../context'
import { checked } from '../refusals/checked'
import { type Failure, GatewayError, unwrap } from '../runtime/errors'
import { isEnded } from '../delivery/job-status'
import { forgetGeneration, forgetImage, forgetJob } from '../generation/generations'
import { idAt, NOT_FOUND, statusOf } from './generations'
import { pageOf } from '../wire/page'
import { ENTRIES_AT_ONCE, keyOfPath, removeImages, runOfKey } from '../store/images'
import { removeEdgeCopy } from '../store/edge-copies'
import { cursor, cursorAfter, type Cursor, type Entry, keptKeysOf, type EntryFilter } from '../ledger/entry'
import { askTeam } from '../team/ask-team'
import { snapshotOf } from '../ledger/snapshot'
import { generationJson } from '../wire/json'

/*
 * What a team has had made, as the holders of its keys see it: whatever one of them paid for is the whole team's.
 */

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: cursor.optional(),
  key: z.string().optional(),
})

/** `GET /v1/generations`: the newest first, a page at a time. Throws GatewayError. */
export async function listGenerations(c: Context<App>): Promise<Response> {
  const { team } = await authenticate(c)
  const { limit, cursor: after, key } = checked(listQuery, c.req.query())
  const found = await entriesOf(c, team, { key, pictured: true }, limit + 1, after)
  return c.json(pageOf(found, limit, { told: (entry) => shown(entry, c), cursorAfter }))
}

/** `DELETE /v1/generations/{id}`: its images and its answer; what it cost stays in the ledger. Throws GatewayError. */
export async function deleteGeneration(c: Context<App>): Promise<Response> {
  const [{ team }, id] = [await authenticate(c), idAt(c)]
  const { seen } = await statusOf(c, team, id)
  let batch = await entriesOf(c, team, { generation: id }, ENTRIES_AT_ONCE)
  // The newest comes first, and no two of one generation run at the same time.
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

/** `DELETE /images/…`: one image, by the address that its link has. Throws GatewayError. */
export async function deleteImage(c: Context<App>): Promise<Response> {
  const { team } = await authenticate(c)
  const key = keyOfPath(c.req.path) ?? ''
  const generation = runOfKey(key)?.generation
  const [entry] = generation ? await entriesOf(c, team, { generation, image: key }, 1) : []
  if (!entry || !generation || !keptKeysOf(entry).includes(key)) throw new GatewayError(NOT_FOUND)
  await removeEverywhere(c, [key])
  await forgetImage(c.env.GENERATIONS, key)
  await askTeam(c.env, team, async (stub) => await stub.discard(entry.id, [key]))
  return c.json({ object: 'image', id: key, deleted: true })
}

const entriesOf = async (
  c: Context<App>,
  team: string,
  sought: EntryFilter,
  limit: number,
  after?: Cursor,
): Promise<Entry[]> => unwrap(await askTeam(c.env, team, async (stub) => await stub.page(sought, limit, after)))

/** As many as a request may remove from the cache on any plan (platform §1). */
const NEAR_COPIES = 50

/** From R2 and, as far as that goes, from this data centre's cache; other copies may be shown for up to an hour more. */
async function removeEverywhere(c: Context<App>, keys: readonly string[]): Promise<void> {
  await removeImages(c.env.IMAGES, keys)
  const { origin } = new URL(c.req.url)
  await Promise.allSettled(keys.slice(0, NEAR_COPIES).map((key) => removeEdgeCopy(origin, key)))
}

const shown = (entry: Entry, c: Context<App>): Record<string, unknown> =>
  generationJson(snapshotOf(entry), linkOf(c), c.get('config').creditsPerUsd)

const STILL_RUNNING: Failure = {
  code: 'conflict',
  message: 'This generation has not ended. Cancel it with POST /v1/generations/{id}/cancel, or delete it when it has.',
  retryAfterMs: 5000,
}
