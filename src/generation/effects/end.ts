import type { Config } from '../../config'
import { describe, log } from '../../runtime/log'
import type { ImageRecord } from '../../image/record'
import { removeRunImages } from '../../store/images'
import { ownInputKeys, removeInputs } from '../../store/inputs'
import { putRecord } from '../../store/records'
import type { RunOutcome } from '../outcome'
import { mayBeShared } from '../progress'
import type { Run } from '../state'
import { type StoredAnswer, REFUSAL_MS } from '../rows/stored-answer'
import type { Previews } from '../rows/previews'

/** The life of an incomplete or private answer, in ms. Its client paid for the images and can ask for them again. */
const BRIEFLY_MS = 60_000

/** Failures that are stored for retries: the upstream would refuse the same request again. */
const REMEMBERED = ['content_rejected', 'invalid_request', 'unsupported_parameter']

/** The places where an outcome is kept. */
interface Keeping {
  ctx: DurableObjectState
  env: Env
  kept: StoredAnswer
  previews: Previews
}

/** Keeps the answer or the refusal of a run. Times are in ms since 1970. */
export function keepOutcome(
  { ctx, env, kept }: Keeping,
  { task }: Run,
  { made, isInterrupted }: RunOutcome,
  { config, nowMs }: { config: Config; nowMs: number },
): void {
  if (made.ok) {
    const isShared = mayBeShared(made.value, task)
    kept.keep(made.value, task.requestId, nowMs + (isShared ? config.cacheTtlSeconds * 1000 : BRIEFLY_MS))
    if (isShared) ctx.waitUntil(putRecord(env.CACHE, made.value, config.cacheTtlSeconds))
  } else if (REMEMBERED.includes(made.failure.code) || isInterrupted) {
    kept.refuse(made.failure, nowMs, nowMs + REFUSAL_MS)
  }
}

/** Removes the remains of a run: its input pictures, its previews after a while, and images without an owner. */
export function cleanUp(
  { ctx, env, previews }: Keeping,
  run: Run,
  { made, attempts, arrived }: RunOutcome,
  nowMs: number,
): void {
  const { task, before } = run
  ctx.waitUntil(removeInputs(env.IMAGES, ownInputKeys(task.request)))
  if (attempts === 0 && before === undefined) return
  if (task.request.partials > 0) previews.removeAt(task.id, nowMs + BRIEFLY_MS)
  // A process that died may have stored images twice.
  const isLeftOver = attempts > (made.ok ? 1 : 0) || before !== undefined
  if (isLeftOver) ctx.waitUntil(sweep(env.IMAGES, run, made.ok ? made.value : arrived))
}

/** Removes images of failed attempts, which no ledger knows. */
async function sweep(bucket: R2Bucket, { task, id, before }: Run, made: ImageRecord | undefined): Promise<void> {
  const kept = made?.images.map(({ key }) => key) ?? []
  try {
    for (const run of [id, before].filter((each) => each !== undefined))
      await removeRunImages(bucket, { generation: task.id, run }, kept)
  } catch (error) {
    log('images-not-removed', { generation: task.id, ...describe(error) })
  }
}
