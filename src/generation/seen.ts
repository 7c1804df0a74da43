import type { ImageRecord } from '../image/record'
import type { Snapshot } from '../ledger/snapshot'
import type { JobForm } from '../dialects/job-form'
import type { FollowedRequest } from './answers'
import type { GenerationContext } from './context'
import { begun } from './snapshot'

/** A generation for one of its teams. */
export interface SeenGeneration {
  snapshot: Snapshot
  /** The wording and the record of a finished job. */
  form?: JobForm
  record?: ImageRecord | undefined
  followed?: FollowedRequest
}

/** The answer to one request of a team's jobs; undefined for another request, or after its life. */
export function answerTo(context: GenerationContext, team: string, request: string): SeenGeneration | undefined {
  const answer = context.jobs.answers.of(team, request)
  if (!answer) return undefined
  const { ended, ...followed } = answer
  const seen = ended ?? seenBy(context, team)
  return seen && { snapshot: seen.snapshot, record: seen.record, form: followed.form, followed }
}

/** The generation for a team; undefined for a team without a part in it, or after the part has expired. */
export function seenBy({ jobs, store, live }: GenerationContext, team: string): SeenGeneration | undefined {
  const [job, run] = [jobs.of(team), store.run]
  if (job?.ended) {
    const {
      dialect,
      wants,
      ended: { snapshot },
    } = job
    return {
      snapshot,
      form: { dialect, wants },
      record: snapshot.status === 'succeeded' ? store.record : undefined,
    }
  }
  // The run of another team has just ended, and the job's own run is about to begin.
  if (!run) return job && { snapshot: begun(job.task, { status: 'queued', createdMs: job.createdMs }) }
  if (!job && run.task.payer.team !== team) return undefined
  const { startedMs = run.progress?.calls[0]?.startedMs, percent } = live
  const createdMs = job?.createdMs ?? run.createdMs
  const stands = { status: run.queued ? 'queued' : 'running', createdMs, startedMs, percent } as const
  return { snapshot: begun(job?.task ?? run.task, stands) }
}
