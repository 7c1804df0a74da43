import { type Failure, failed } from '../failures/errors'
import type { GenerationContext } from './context'
import { newRun } from './generation-store'
import { type Job, JOB_LIFE_MS } from './jobs'
import type { Runner } from './runner'
import type { Ended, OnProgress, Subscriber } from './subscribers'
import type { GenerateOptions, Task } from './task'

/** The part of a request in a run: it begins the run, or waits for its end. */
export class Joining {
  readonly #context: GenerationContext
  readonly #runner: Runner

  constructor(context: GenerationContext, runner: Runner) {
    this.#context = context
    this.#runner = runner
  }

  /** Begins a run, and resolves with an immediate refusal. The team then has its earlier job again. */
  async begin(task: Task, earlier: Job | undefined): Promise<Failure | undefined> {
    const refusal = await this.#runner.begin(newRun(task), { reportsRefusal: true })
    if (refusal && earlier) this.#context.jobs.restore(earlier)
    return refusal
  }

  /** Makes a job of a streamed request that its client follows. Returns the earlier job of its team. */
  takeFollowed(options: GenerateOptions): Job | undefined {
    const { followed, task } = options
    if (!followed) return undefined
    const earlier = this.#context.jobs.of(task.payer.team)
    this.#context.jobs.put(options, followed.form, Date.now())
    this.#context.store.hold(JOB_LIFE_MS, Date.now())
    return earlier
  }

  /** Waits for the end of the run, and starts one if there is none. */
  async waitForRun(options: GenerateOptions, onProgress: OnProgress | undefined): Promise<Ended> {
    const now = Date.now()
    const subscriber = this.#context.subscribers.join(options, onProgress)
    this.#context.jobs.hook(options, now)
    this.#context.store.hold(options.keepMs, now)
    const earlier = this.takeFollowed(options)
    if (!this.#context.store.run) void this.begin(options.task, earlier)
    const offered = this.#runner.queued.offer(options.task)
    const endWait = (): void => void this.#endWait(options, subscriber, offered)
    // A job waits for its turn without an end.
    const timer = options.followed ? undefined : setTimeout(endWait, options.patienceMs)
    try {
      return await subscriber.ended
    } finally {
      clearTimeout(timer)
      this.#context.subscribers.leave(subscriber)
    }
  }

  /** Ends the wait of a client when its patience for the queue is over. */
  async #endWait(
    { task }: GenerateOptions,
    subscriber: Subscriber,
    offered: Promise<Failure | undefined>,
  ): Promise<void> {
    const refusal = await offered
    const { run } = this.#context.store
    if (!run?.queued || !this.#context.subscribers.has(subscriber)) return
    this.#context.jobs.unhook(task.requestId)
    this.#context.subscribers.leave(subscriber)
    // The client may retry at once and must not find the run that is being given up.
    await this.#runner.queued.leave(task.payer)
    subscriber.end({ made: failed(refusal ?? run.queued) })
  }
}
