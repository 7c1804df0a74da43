import type { Payer } from '../ledger/entry'
import { type OutcomeScope, concerns, isSamePayer } from './subscribers'
import { DAY_MS } from '../runtime/durations'
import type { Snapshot } from '../ledger/snapshot'
import { FollowedAnswers } from './answers'
import { begun, type End, ended, type Notice } from './snapshot'
import type { JobForm } from '../dialects/job-form'
import type { GenerateOptions, Task } from './task'
import { endedTaskRow, type Stored, TaskRows } from './task-rows'

/** A team's job and its end, which lasts until `untilMs`, in ms since 1970. */
export interface Job extends JobForm {
  task: Task
  /** The id of the event for the team's webhook. */
  event: string
  createdMs: number
  ended?: { snapshot: Snapshot; untilMs: number }
}

/** A webhook URL that one request named. */
interface Hook {
  event: string
  url: string
  /** The wording of the event; missing for the gateway's own. */
  form?: JobForm | undefined
  task: Task
  createdMs: number
  /** Whether the request became a job. */
  isHandedOff: boolean
}

/** The end of a generation for the clients of a task. */
export interface Conclusion extends End {
  task: Task
  startedMs?: number | undefined
  only?: OutcomeScope | undefined
  /** Whether the settlement notifies the team's webhook. */
  isSettled?: boolean
  /** Whether the run goes on for waiting clients. */
  goesOn?: boolean
}

const JOB = 'job:'
const HOOK = 'hook:'

/** The life of an ended job, in ms. */
export const JOB_LIFE_MS = DAY_MS

/** The demand without a waiting client: one job for each team, and webhook URLs. */
export class Jobs {
  readonly #storage: DurableObjectStorage
  readonly #tasks: TaskRows
  readonly answers: FollowedAnswers

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.answers = new FollowedAnswers(storage)
    this.#tasks = new TaskRows(storage)
  }

  /** The job of a team. */
  of(team: string): Job | undefined {
    const row = this.#storage.kv.get<Stored<Job>>(JOB + team)
    return row && { ...row, task: this.#tasks.taskOf(row.task) }
  }

  /** Adds a job in place of an earlier one of its team. */
  put({ task, event, followed }: GenerateOptions, form: JobForm, createdMs: number): void {
    this.#put({ ...form, task, event, createdMs })
    if (followed) this.answers.put(task.payer.team, task.requestId, followed)
  }

  /** Restores a job after its successor failed, unless the team has another one. */
  restore(job: Job): void {
    if (!this.of(job.task.payer.team)) this.#put(job)
  }

  /** Adds the webhook URL of a request. */
  hook({ task, webhook }: GenerateOptions, createdMs: number, isHandedOff = false): void {
    if (!webhook) return
    const { id: event, url, form } = webhook
    const before = this.#storage.kv.get<Stored<Hook>>(HOOK + event)
    this.#storage.kv.put<Stored<Hook>>(HOOK + event, {
      event,
      url,
      form,
      task: this.#tasks.rowOf(task),
      createdMs: before?.createdMs ?? createdMs,
      isHandedOff: isHandedOff || before?.isHandedOff === true,
    })
  }

  /** Removes the entries of a request that is refused at once, and the URLs of other refused clients. */
  refuse({ requestId, payer }: Task): void {
    this.#unhook(
      ({ task, isHandedOff }) => task.requestId === requestId || (!isHandedOff && concerns(payer, task.payer)),
    )
    this.answers.remove(payer.team, requestId)
    for (const { task } of this.#open) if (task.requestId === requestId) this.#storage.kv.delete(JOB + task.payer.team)
  }

  /** Removes the URL of a request after the end of its patience, unless the request became a job. */
  unhook(requestId: string): void {
    this.#unhook(({ task, isHandedOff }) => task.requestId === requestId && !isHandedOff)
  }

  /** Removes the ended job of a team, and the answers to its requests. */
  forget(team: string): void {
    if (this.of(team)?.ended) this.#storage.kv.delete(JOB + team)
    this.answers.forget(team)
  }

  /** Whether a job or a webhook awaits the end of the run. */
  get isAwaited(): boolean {
    return this.#open.length > 0 || this.#hooks.length > 0
  }

  /** Whether a job or a webhook of a payer awaits the end of the run. */
  isAwaitedBy(payer: Payer): boolean {
    return [...this.#open, ...this.#hooks].some(({ task }) => isSamePayer(task.payer, payer))
  }

  /** Whether a job of a payer has not ended. */
  isOpenFor(payer: Payer): boolean {
    return this.#open.some(({ task }) => isSamePayer(task.payer, payer))
  }

  /** Whether a request became a job that has not ended. */
  isJob(requestId: string): boolean {
    return this.tasks.some((task) => task.requestId === requestId)
  }

  /** The tasks of the jobs that have not ended. */
  get tasks(): Task[] {
    return this.#open.map(({ task }) => task)
  }

  /** Whether a job has not ended. */
  get isOpen(): boolean {
    return this.#open.length > 0
  }

  /** The task of the next run, for demand that the current run leaves. */
  get next(): Task | undefined {
    return (this.#open[0] ?? this.#hooks[0])?.task
  }

  /** Ends the jobs and URLs that an outcome concerns, and returns their notices. */
  end(conclusion: Conclusion): Notice[] {
    const { task, startedMs, only, endedMs, isSettled = false, goesOn = false } = conclusion
    const isConcerned = (each: { task: Task }): boolean => concerns(only, each.task.payer)
    const snapshotOf = (each: { task: Task; createdMs: number }): Snapshot => {
      const isPayer = each.task.payer.team === task.payer.team
      return ended(begun(each.task, { status: 'running', createdMs: each.createdMs, startedMs }), {
        ...conclusion,
        ...(isPayer ? {} : { cost: 0, estimated: 0 }),
      })
    }
    // A failed request may come again with its Idempotency-Key, and its receiver then needs another event.
    const idOf = (event: string): string => (conclusion.made.ok ? event : `${event}_${endedMs}`)
    const jobs = this.#open.filter(isConcerned).map((job) => ({ job, snapshot: snapshotOf(job) }))
    const record = conclusion.made.ok ? conclusion.made.value : undefined
    for (const { job, snapshot } of jobs) {
      const end = { snapshot, untilMs: endedMs + JOB_LIFE_MS }
      this.#put({ ...job, ended: end })
      this.answers.end(job.task.payer.team, { ...end, record })
    }
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

  /** Progress notices for the URLs with the wording of a dialect. */
  progressNotices(percent: number): Notice[] {
    return oncePerReceiver(this.#hooks.filter(({ form }) => form)).map(({ event, url, form, task, createdMs }) => ({
      id: `${event}_${percent}`,
      url,
      form,
      task,
      snapshot: begun(task, { status: 'running', createdMs, percent }),
    }))
  }

  /** The ends of the ended jobs, in ms since 1970. */
  dues(nowMs: number): number[] {
    return this.#jobs.flatMap(({ ended: end }) => (end && end.untilMs > nowMs ? [end.untilMs] : []))
  }

  get #jobs(): Job[] {
    const rows = [...this.#storage.kv.list<Stored<Job>>({ prefix: JOB })]
    return rows.map(([, row]) => ({ ...row, task: this.#tasks.taskOf(row.task) }))
  }

  get #open(): Job[] {
    return this.#jobs.filter((job) => !job.ended)
  }

  get #hooks(): Hook[] {
    const rows = [...this.#storage.kv.list<Stored<Hook>>({ prefix: HOOK })]
    return rows.map(([, row]) => ({ ...row, task: this.#tasks.taskOf(row.task) }))
  }

  #unhook(isMeant: (hook: Hook) => boolean): void {
    for (const hook of this.#hooks) if (isMeant(hook)) this.#storage.kv.delete(HOOK + hook.event)
  }

  #put(job: Job): void {
    const task = job.ended ? endedTaskRow(job.task) : this.#tasks.rowOf(job.task)
    this.#storage.kv.put<Stored<Job>>(JOB + task.payer.team, { ...job, task })
  }
}

/** One notice for each URL and wording of a team, from the first request that named it. */
function oncePerReceiver(hooks: Hook[]): Hook[] {
  const inTurn = hooks.toSorted((one, other) => one.createdMs - other.createdMs)
  return [
    ...Map.groupBy(inTurn, ({ url, task, form }) => `${task.payer.team} ${url} ${form?.dialect}`).values(),
  ].flatMap(([first]) => first ?? [])
}
