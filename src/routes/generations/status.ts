import type { Context } from 'hono'
import type { App } from '../../context'
import type { GenerationStatus } from '../../delivery/job-status'
import type { SeenGeneration } from '../../generation/seen'
import { see } from '../../generation/generations'
import { type Entry, imageKeysOf, keptKeysOf } from '../../ledger/entry'
import { type Snapshot, snapshotOf } from '../../ledger/snapshot'
import { type Failure, GatewayError } from '../../failures/errors'
import type { OwnTeam } from '../../http/own-team'

/** The generation id in the path of a request; it need not exist. */
export const idAt = (c: Context<App>): string => c.req.param('id') ?? ''

/** The form of every generation id. */
const GENERATION_ID = /^gen_[0-9a-f]{32,64}$/

/** The status of a generation, from its object and its team's ledger. Throws GatewayError when neither knows it. */
export async function generationStatusOf(
  c: Context<App>,
  team: OwnTeam,
  id: string,
): Promise<{ status: GenerationStatus; seen: SeenGeneration | undefined }> {
  const known = await team.ask(async (stub, sent) => await stub.findAs(sent, id))
  const { isKnown, entry, teamCreatedMs } = known
  // Asking for an unknown id would create an object.
  if (!isKnown || !GENERATION_ID.test(id)) throw new GatewayError(NOT_FOUND)
  const current = await see(c.env.GENERATIONS, id, team.caller.team)
  // A deleted team of the same id may have made it; the team of today must not see that.
  const seen = current && current.snapshot.createdMs >= teamCreatedMs ? current : undefined
  if (seen) return { status: { snapshot: entry ? withoutDeleted(seen.snapshot, entry) : seen.snapshot, known }, seen }
  if (!entry) throw new GatewayError(NOT_FOUND)
  return { status: { snapshot: snapshotOf(entry), known }, seen }
}

/** A snapshot without the images that its team has deleted. */
function withoutDeleted(snapshot: Snapshot, entry: Entry): Snapshot {
  const [made, kept] = [imageKeysOf(entry), keptKeysOf(entry)]
  return { ...snapshot, images: snapshot.images.filter((key) => !made.includes(key) || kept.includes(key)) }
}

export const NOT_FOUND: Failure = {
  code: 'not_found',
  message: 'Your team has no such generation or image. List what it has with GET /v1/generations.',
}
