import type { ImageRecord } from '../image/record'
import type { JobFacts } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import type { JobForm } from '../dialects/job-form'
import type { FollowedRequest } from './rows/followed-answers'
import { startOf } from './outcome'
import type { Receivers } from './rows/receivers'
import { begun } from './snapshot'
import { runOf, type State } from './state'

/** A generation for one of its teams. */
export interface SeenGeneration {
  snapshot: Snapshot
  /** The wording and the record of a finished job. */
  form?: JobForm
  record?: ImageRecord | undefined
  followed?: FollowedRequest
}

/** A job that was just accepted. The facts of one with an order of its own are those of its team. */
export interface AcceptedJob extends SeenGeneration {
  facts: JobFacts | undefined
}

/** The facts of a generation for a reader. */
interface Seen {
  state: State
  receivers: Receivers
  record: ImageRecord | undefined
  /** The start of the newest call in ms since 1970, and the progress in whole percent. */
  startedMs: number | undefined
  percent: number | undefined
}

/** The answer to one request of a team's jobs; undefined for another request, or after its life. */
export function answerTo(facts: Seen, team: string, request: string): SeenGeneration | undefined {
  const answer = facts.receivers.answers.of(team, request)
  if (!answer) return undefined
  const { ended, ...followed } = answer
  const seen = ended ?? seenBy(facts, team)
  return seen && { snapshot: seen.snapshot, record: seen.record, form: followed.form, followed }
}

/** The generation for a team; undefined for a team without a part in it, or after the part has expired. */
export function seenBy({ receivers, state, record, ...live }: Seen, team: string): SeenGeneration | undefined {
  const [job, run] = [receivers.of(team), runOf(state)]
  if (job?.ended) {
    const { dialect, wants, ended } = job
    const isMade = ended.snapshot.status === 'succeeded'
    return { snapshot: ended.snapshot, form: { dialect, wants }, record: isMade ? record : undefined }
  }
  // The run of another team has just ended, and the job's own run is about to begin.
  if (!run) return job && { snapshot: begun(job.task, { status: 'queued', createdMs: job.createdMs }) }
  if (!job && run.task.payer.team !== team) return undefined
  const { startedMs = startOf(run.progress), percent } = live
  const createdMs = job?.createdMs ?? run.createdMs
  const stands = { status: state.phase.is === 'queued' ? 'queued' : 'running', createdMs, startedMs, percent } as const
  return { snapshot: begun(job?.task ?? run.task, stands) }
}
