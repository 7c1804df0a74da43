import type * as z from 'zod'
import { DAY_MS } from '../../runtime/durations'
import type { JobForm } from '../../dialects/job-form'
import type { Snapshot } from '../../ledger/snapshot'
import { readEntries } from '../../runtime/stored'
import { FollowedAnswers } from './followed-answers'
import { begun, type End, ended, type Notice } from '../snapshot'
import {
  HOOK,
  type StoredHook,
  hookRow,
  JOB,
  type Job,
  jobRow,
  subscriberOfHook,
  subscriberOfJob,
} from './receiver-rows'
import type { Subscriber } from '../state'
import type { GenerateOptions, Task } from '../task'
import { endedTaskRow, type StoredTask, type TaskRows } from './task-rows'

/** The end of a generation for the clients of a task. */
export interface Conclusion extends End {
  task: Task
  startedMs?: number | undefined
  /** The moment of a stored failure, in ms since 1970; missing for the end of a run. */
  failedMs?: number | undefined
  /** Whether the settlement notifies the team's webhook. */
  isSettled?: boolean
}

/** The life of an ended job, in ms. */
export const JOB_LIFE_MS = DAY_MS

/** The receivers of an end that need no connection: one job for each team, and webhook URLs. */
export class Receivers {
  readonly #storage: DurableObjectStorage
  readonly #tasks: TaskRows
  readonly answers: FollowedAnswers
  readonly #jobs: Map<string, Job>
  readonly #hooks: Map<string, StoredHook>
  /** The ended jobs that newer ones replaced, by their teams. */
  readonly #replaced = new Map<string, Job>()

  constructor(storage: DurableObjectStorage, tasks: TaskRows) {
    this.#storage = storage
    this.#tasks = tasks
    this.answers = new FollowedAnswers(storage)
    this.#jobs = this.#read(JOB, jobRow)
    this.#hooks = this.#read(HOOK, hookRow)
  }

  #read<Row extends { task: StoredTask }>(
    prefix: string,
    schema: z.ZodType<Row>,
  ): Map<string, Omit<Row, 'task'> & { task: Task }> {
    return readEntries(this.#storage.kv, prefix, (stored) => {
      const row = schema.parse(stored)
      return { ...row, task: this.#tasks.taskOf(row.task) }
    })
  }

  /** The jobs that have not ended, and the URLs, as subscribers of the state. */
  get subscribers(): Subscriber[] {
    return [...this.#openJobs.map(subscriberOfJob), ...[...this.#hooks.values()].map(subscriberOfHook)]
  }

  /** The job of a team. */
  of(team: string): Job | undefined {
    return this.#jobs.get(team)
  }

  /** Adds a job in place of an earlier one of its team. */
  addJob({ task, event, followed }: GenerateOptions, form: JobForm, createdMs: number): Subscriber {
    const { team } = task.payer
    const earlier = this.of(team)
    // The call of a request may come twice.
    if (earlier && earlier.task.requestId !== task.requestId) this.#replaced.set(team, earlier)
    const job = { ...form, task, event, createdMs }
    this.#put(job)
    if (followed) this.answers.put(team, task.requestId, followed)
    return subscriberOfJob(job)
  }

  /** Adds the webhook URL of a request, if it named one. */
  addHook({ task, webhook }: GenerateOptions, createdMs: number, isHandedOff = false): Subscriber[] {
    if (!webhook) return []
    const { id: event, url, form } = webhook
    const before = this.#hooks.get(event)
    const hook: StoredHook = {
      event,
      url,
      form,
      task,
      createdMs: before?.createdMs ?? createdMs,
      isHandedOff: isHandedOff || before?.isHandedOff === true,
    }
    this.#hooks.set(event, hook)
    this.#storage.kv.put<z.infer<typeof hookRow>>(HOOK + event, { ...hook, task: this.#tasks.rowOf(task) })
    return [subscriberOfHook(hook)]
  }

  /** Removes jobs and URLs by their ids. The team of a refused task has its earlier job again. */
  drop(ids: readonly string[], refused?: Task): void {
    for (const { task } of this.#jobsOf(ids)) this.#removeJob(task.payer.team)
    for (const { event } of this.#hooksOf(ids)) this.#removeHook(event)
    if (!refused) return
    const { requestId, payer } = refused
    this.answers.remove(payer.team, requestId)
    const earlier = this.#replaced.get(payer.team)
    this.#replaced.delete(payer.team)
    if (earlier && !this.of(payer.team)) this.#put(earlier)
  }

  /** Removes the ended job of a team, and the answers to its requests. */
  forget(team: string): void {
    if (this.of(team)?.ended) this.#removeJob(team)
    this.#replaced.delete(team)
    this.answers.forget(team)
  }

  /** Whether a request became a job that has not ended. */
  isJob(requestId: string): boolean {
    return this.#openJobs.some(({ task }) => task.requestId === requestId)
  }

  /** Ends jobs and URLs by their ids, and returns their notices. */
  end(ids: readonly string[], conclusion: Conclusion): Notice[] {
    const { task, startedMs, endedMs, failedMs = endedMs, isSettled = false } = conclusion
    const snapshotOf = (each: { task: Task; createdMs: number }): Snapshot => {
      const isPayer = each.task.payer.team === task.payer.team
      return ended(begun(each.task, { status: 'running', createdMs: each.createdMs, startedMs }), {
        ...conclusion,
        ...(isPayer ? {} : { cost: 0, estimated: 0 }),
      })
    }
    // A failed request may come again with its Idempotency-Key, and its receiver needs one event of each failure.
    const idOf = (event: string): string => (conclusion.made.ok ? event : `${event}_${failedMs}`)
    const jobs = this.#jobsOf(ids).map((job) => ({ job, snapshot: snapshotOf(job) }))
    const record = conclusion.made.ok ? conclusion.made.value : undefined
    for (const { job, snapshot } of jobs) {
      const end = { snapshot, untilMs: endedMs + JOB_LIFE_MS }
      this.#replaced.delete(job.task.payer.team)
      this.#put({ ...job, ended: end })
      this.answers.end(job.task.payer.team, { ...end, record })
    }
    const hooks = this.#hooksOf(ids)
    for (const { event } of hooks) this.#removeHook(event)
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
    const hooks = [...this.#hooks.values()].filter(({ form }) => form)
    return oncePerReceiver(hooks).map(({ event, url, form, task, createdMs }) => ({
      id: `${event}_${percent}`,
      url,
      form,
      task,
      snapshot: begun(task, { status: 'running', createdMs, percent }),
    }))
  }

  /** The ends of the ended jobs, in ms since 1970. */
  dues(nowMs: number): number[] {
    return [...this.#jobs.values()].flatMap(({ ended: end }) => (end && end.untilMs > nowMs ? [end.untilMs] : []))
  }

  get #openJobs(): Job[] {
    return [...this.#jobs.values()].filter((job) => !job.ended)
  }

  #jobsOf(ids: readonly string[]): Job[] {
    return this.#openJobs.filter((job) => ids.includes(subscriberOfJob(job).id))
  }

  #hooksOf(ids: readonly string[]): StoredHook[] {
    return [...this.#hooks.values()].filter((hook) => ids.includes(subscriberOfHook(hook).id))
  }

  #removeHook(event: string): void {
    this.#hooks.delete(event)
    this.#storage.kv.delete(HOOK + event)
  }

  #removeJob(team: string): void {
    this.#jobs.delete(team)
    this.#storage.kv.delete(JOB + team)
  }

  #put(job: Job): void {
    const { team } = job.task.payer
    const task = job.ended ? endedTaskRow(job.task) : this.#tasks.rowOf(job.task)
    this.#jobs.set(team, job)
    this.#storage.kv.put<z.infer<typeof jobRow>>(JOB + team, { ...job, task })
  }
}

/** One notice for each URL and wording of a team, from the first request that named it. */
function oncePerReceiver(hooks: StoredHook[]): StoredHook[] {
  const inTurn = hooks.toSorted((one, other) => one.createdMs - other.createdMs)
  return [
    ...Map.groupBy(inTurn, ({ url, task, form }) => `${task.payer.team} ${url} ${form?.dialect}`).values(),
  ].flatMap(([first]) => first ?? [])
}
