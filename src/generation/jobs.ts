import { type Concerned, concerns } from './subscribers'
import { DAY_MS } from '../runtime/durations'
import type { Snapshot } from '../ledger/snapshot'
import { begun, type End, ended, type Notice } from './snapshot'
import type { JobForm } from '../dialects/job-form'
import type { GenerateOptions, Task } from './task'

/** What a team handed off, and how it ended; `untilMs` (ms since 1970) is until when that is told. */
export interface Job extends JobForm {
  task: Task
  /** The id of the event that its team's webhook hears. */
  event: string
  createdMs: number
  ended?: { snapshot: Snapshot; untilMs: number }
}

/** Who is told of an end by a request to a URL. */
interface Hook {
  event: string
  url: string
  /** In whose words; missing where they are the gateway's own. */
  form?: JobForm | undefined
  task: Task
  createdMs: number
  /** Whether its request does not wait for the answer itself. */
  isHandedOff: boolean
}

/** How a generation ended for whoever asks by a task. */
export interface Conclusion extends End {
  task: Task
  startedMs?: number | undefined
  only?: Concerned | undefined
  /** Whether its team's webhook hears of it by a settlement. */
  isSettled?: boolean
  /** Whether the run goes on for those who wait for it. */
  goesOn?: boolean
}

const JOB = 'job:'
const HOOK = 'hook:'

/** How long the end of a job is told, in ms. */
export const TOLD_MS = DAY_MS

/** Those who want a generation and do not wait for it: one job for each team, and the URLs that are to be told. */
export class Jobs {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** The job of a team. */
  of(team: string): Job | undefined {
    return this.#storage.kv.get<Job>(JOB + team)
  }

  /** Enters a job, in place of an earlier one of its team. */
  put({ task, event }: GenerateOptions, form: JobForm, createdMs: number): void {
    this.#put({ ...form, task, event, createdMs })
  }

  /** Enters a job again, where the one in its place came to nothing and no other took that. */
  restore(job: Job): void {
    if (!this.of(job.task.payer.team)) this.#put(job)
  }

  /** Enters the URL of a request. */
  hook({ task, webhook }: GenerateOptions, createdMs: number, isHandedOff = false): void {
    if (!webhook) return
    const { id: event, url, form } = webhook
    const before = this.#storage.kv.get<Hook>(HOOK + event)
    this.#storage.kv.put<Hook>(HOOK + event, {
      event,
      url,
      form,
      task,
      createdMs: before?.createdMs ?? createdMs,
      isHandedOff: isHandedOff || before?.isHandedOff === true,
    })
  }

  /** Takes out what a request has entered that is refused at once, and the URLs of all who are told so together with it. */
  refuse({ requestId, payer }: Task): void {
    this.#unhook(
      ({ task, isHandedOff }) => task.requestId === requestId || (!isHandedOff && concerns(payer, task.payer)),
    )
    for (const { task } of this.#open) if (task.requestId === requestId) this.#storage.kv.delete(JOB + task.payer.team)
  }

  /** Takes out the URL of a request that is turned away; unless it was handed off meanwhile. */
  unhook(requestId: string): void {
    this.#unhook(({ task, isHandedOff }) => task.requestId === requestId && !isHandedOff)
  }

  /** Takes out the job of a team, if it has ended. */
  forget(team: string): void {
    if (this.of(team)?.ended) this.#storage.kv.delete(JOB + team)
  }

  /** Whether anybody wants the end of a run, though nobody may be waiting for it. */
  get isAwaited(): boolean {
    return this.#open.length > 0 || this.#hooks.length > 0
  }

  /** Whether any job has not ended. */
  get isOpen(): boolean {
    return this.#open.length > 0
  }

  /** What is still to be done when a run has ended. */
  get next(): Task | undefined {
    return (this.#open[0] ?? this.#hooks[0])?.task
  }

  /** Ends all whom the end of a run concerns, and gives back what they are to be told. */
  end(conclusion: Conclusion): Notice[] {
    const { task, startedMs, only, endedMs, isSettled = false, goesOn = false } = conclusion
    const isConcerned = (each: { task: Task }): boolean => concerns(only, each.task.payer)
    const snapshotOf = (each: { task: Task; createdMs: number }): Snapshot => {
      const cost = each.task.payer.team === task.payer.team ? conclusion.cost : 0
      return ended(begun(each.task, { status: 'running', createdMs: each.createdMs, startedMs }), {
        ...conclusion,
        cost,
      })
    }
    // What came to nothing may come again by the same Idempotency-Key, and then its receiver has to hear of that as well.
    const idOf = (event: string): string => (conclusion.made.ok ? event : `${event}_${endedMs}`)
    const jobs = this.#open.filter(isConcerned).map((job) => ({ job, snapshot: snapshotOf(job) }))
    for (const { job, snapshot } of jobs) this.#put({ ...job, ended: { snapshot, untilMs: endedMs + TOLD_MS } })
    const hooks = this.#hooks.filter((hook) => isConcerned(hook) && (hook.isHandedOff || !goesOn))
    for (const { event } of hooks) this.#storage.kv.delete(HOOK + event)
    return [
      ...oncePerReceiver(hooks).map((hook) => ({
        id: idOf(hook.event),
        url: hook.url,
        form: hook.form,
        task: hook.task,
        snapshot: snapshotOf(hook),
      })),
      ...jobs
        .filter(({ job }) => !isSettled || job.task.payer.team !== task.payer.team)
        .map(({ job, snapshot }) => ({ id: idOf(job.event), task: job.task, snapshot })),
    ]
  }

  /** What is told of a run under way, `percent` of the way, to the URLs that are told in the words of a dialect. */
  progressNotices(percent: number): Notice[] {
    return oncePerReceiver(this.#hooks.filter(({ form }) => form)).map(({ event, url, form, task, createdMs }) => ({
      id: `${event}_${percent}`,
      url,
      form,
      task,
      snapshot: begun(task, { status: 'running', createdMs, percent }),
    }))
  }

  /** When something of this is to be forgotten, in ms since 1970. */
  dues(nowMs: number): number[] {
    return this.#jobs.flatMap(({ ended: end }) => (end && end.untilMs > nowMs ? [end.untilMs] : []))
  }

  get #jobs(): Job[] {
    return [...this.#storage.kv.list<Job>({ prefix: JOB })].map(([, job]) => job)
  }

  get #open(): Job[] {
    return this.#jobs.filter((job) => !job.ended)
  }

  get #hooks(): Hook[] {
    return [...this.#storage.kv.list<Hook>({ prefix: HOOK })].map(([, hook]) => hook)
  }

  #unhook(isMeant: (hook: Hook) => boolean): void {
    for (const hook of this.#hooks) if (isMeant(hook)) this.#storage.kv.delete(HOOK + hook.event)
  }

  #put(job: Job): void {
    this.#storage.kv.put<Job>(JOB + job.task.payer.team, job)
  }
}

/**
 * A team hears of an end once at each of its URLs, or once in the words of each dialect, however many of its requests named
 * that: by the first of them.
 */
function oncePerReceiver(hooks: Hook[]): Hook[] {
  const inTurn = hooks.toSorted((one, other) => one.createdMs - other.createdMs)
  return [
    ...Map.groupBy(inTurn, ({ url, task, form }) => `${task.payer.team} ${url} ${form?.dialect}`).values(),
  ].flatMap(([first]) => first ?? [])
}
