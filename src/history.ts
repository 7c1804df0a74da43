import type { Context } from 'hono'
import * as z from 'zod'
import type { App } from './context'
import { checked } from './checked'
import { type Failure, GatewayError, unwrap } from './errors'
import { forgetGeneration, forgetImage } from './generation/obtain'
import * as images from './store/images'
import * as links from './store/links'
import { bearerOf } from './team/lease'
import { bearerKey, identify } from './team/caller'
import { cursor, cursorAfter, type Cursor, type Entry, keptOf, type Sought } from './team/entry'
import { askTeam } from './team/teams'
import { generationJson } from './team/worded'

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
  const team = await teamOfBearer(c)
  const { limit, cursor: after, key } = checked(listQuery, c.req.query())
  const entries = await pageOf(c, team, { key }, limit + 1, after)
  const page = entries.slice(0, limit)
  const last = entries.length > limit ? page.at(-1) : undefined
  return c.json({
    object: 'list',
    data: page.map((entry) => shown(entry, c)),
    has_more: last !== undefined,
    next_cursor: last ? cursorAfter(last) : null,
  })
}

/** `GET /v1/generations/{id}`: as its newest run stands. Throws GatewayError. */
export async function showGeneration(c: Context<App>): Promise<Response> {
  const [newest] = await pageOf(c, await teamOfBearer(c), { generation: c.req.param('id') ?? '' }, 1)
  if (!newest) throw new GatewayError(NOT_FOUND)
  return c.json(shown(newest, c))
}

/** `DELETE /v1/generations/{id}`: its images and its answer; what it cost stays in the ledger. Throws GatewayError. */
export async function deleteGeneration(c: Context<App>): Promise<Response> {
  const [team, id] = [await teamOfBearer(c), c.req.param('id') ?? '']
  let batch = await pageOf(c, team, { generation: id }, images.ENTRIES_AT_ONCE)
  if (batch.length === 0) throw new GatewayError(NOT_FOUND)
  // The newest comes first, and no two of one generation run at the same time.
  if (batch[0]?.status === 'running') throw new GatewayError(STILL_RUNNING)
  while (batch.length > 0) {
    await removeImages(c, batch.flatMap(keptOf))
    await forgetGeneration(c.env.GENERATIONS, id)
    for (const entry of batch) await askTeam(c.env, team, async (stub) => await stub.discard(entry.id, keptOf(entry)))
    batch =
      batch.length < images.ENTRIES_AT_ONCE ? [] : await pageOf(c, team, { generation: id }, images.ENTRIES_AT_ONCE)
  }
  return c.json({ object: 'generation', id, deleted: true })
}

/** `DELETE /images/…`: one image, by the address that its link has. Throws GatewayError. */
export async function deleteImage(c: Context<App>): Promise<Response> {
  const team = await teamOfBearer(c)
  const key = images.keyOfPath(c.req.path) ?? ''
  const generation = images.placeOfKey(key)?.generation
  const [entry] = generation ? await pageOf(c, team, { generation, image: key }, 1) : []
  if (!entry || !generation || !keptOf(entry).includes(key)) throw new GatewayError(NOT_FOUND)
  await removeImages(c, [key])
  await forgetImage(c.env.GENERATIONS, key)
  await askTeam(c.env, team, async (stub) => await stub.discard(entry.id, [key]))
  return c.json({ object: 'image', id: key, deleted: true })
}

/** The id of the caller's team. Throws GatewayError where its key opens nothing. */
async function teamOfBearer(c: Context<App>): Promise<string> {
  const caller = identify(bearerKey(c.req.header('authorization')), c.get('config'))
  await bearerOf(caller, c.env)
  return caller.team
}

const pageOf = async (c: Context<App>, team: string, sought: Sought, limit: number, after?: Cursor): Promise<Entry[]> =>
  unwrap(await askTeam(c.env, team, async (stub) => await stub.page(sought, limit, after)))

/** As many as a request may remove from the cache on any plan (platform §1). */
const NEAR_COPIES = 50

/** From R2 and, as far as that goes, from this data centre's cache; other copies may be shown for up to an hour more. */
async function removeImages(c: Context<App>, keys: readonly string[]): Promise<void> {
  await images.remove(c.env.IMAGES, keys)
  const { origin } = new URL(c.req.url)
  await Promise.allSettled(keys.slice(0, NEAR_COPIES).map((key) => caches.default.delete(`${origin}/${key}`)))
}

function shown(entry: Entry, c: Context<App>): Record<string, unknown> {
  const [config, { origin }] = [c.get('config'), new URL(c.req.url)]
  return generationJson(entry, (key) => links.link(origin, key, config, Date.now()), config.creditsPerUsd)
}

const NOT_FOUND: Failure = {
  code: 'not_found',
  message: 'Your team has no such generation or image. List what it has with GET /v1/generations.',
}

const STILL_RUNNING: Failure = {
  code: 'conflict',
  message: 'This generation is still being made. Delete it when it has finished.',
  retryAfterMs: 5000,
}
