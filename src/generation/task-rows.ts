import * as z from 'zod'
import type { ImageRequest } from '../image/request'
import { MAX_KEPT_PROMPT } from '../ledger/entry'
import type { Task } from './task'

/** A task in storage. Its prompt has a row of its own, unless the task has ended or an earlier version stored it. */
type TaskRow = Omit<Task, 'request'> & { request: Omit<ImageRequest, 'prompt'> & { prompt?: string } }

/** A row with its task as stored. */
export type Stored<Row extends { task: Task }> = Omit<Row, 'task'> & { task: TaskRow }

const PROMPT = 'prompt'

const promptRow = z.string()

/** Stores the prompt of a generation once, for its tasks of all clients: they have one fingerprint. */
export class TaskRows {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** The row of a task, without its prompt. */
  rowOf(task: Task): TaskRow {
    const { prompt, ...request } = task.request
    const stored = this.#storage.kv.get(PROMPT)
    if (stored === undefined) this.#storage.kv.put(PROMPT, prompt)
    return stored === undefined || stored === prompt ? { ...task, request } : task
  }

  /** The task of a row. */
  taskOf({ request, ...rest }: TaskRow): Task {
    return { ...rest, request: { ...request, prompt: request.prompt ?? promptRow.parse(this.#storage.kv.get(PROMPT)) } }
  }

  /** Removes the prompt after the last row that lacks it. */
  forgetPrompt(): void {
    this.#storage.kv.delete(PROMPT)
  }
}

/** The row of an ended task, with the part of its prompt that snapshots show. */
export const endedTaskRow = (task: Task): TaskRow => ({
  ...task,
  request: { ...task.request, prompt: task.request.prompt.slice(0, MAX_KEPT_PROMPT) },
})
