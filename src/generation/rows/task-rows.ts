import * as z from 'zod'
import { imageRequestSchema } from '../../image/request'
import { MAX_KEPT_PROMPT } from '../../ledger/entry'
import { type ListedEntryStore, readEntry } from '../../runtime/stored'
import { type Task, taskSchema } from '../task'

/** A task in storage. Its prompt has a row of its own, unless the task has ended or an earlier version stored it. */
export const storedTask = taskSchema.extend({
  request: imageRequestSchema.extend({ prompt: z.string().exactOptional() }),
})
export type StoredTask = z.infer<typeof storedTask>

/** The part of an object's storage with the rows of a generation. */
export interface RowStorage {
  kv: ListedEntryStore
}

const PROMPT = 'prompt'

const promptRow = z.string()

/** The longest prompt that stays in the rows of its tasks, in characters. A row of its own costs two writes. */
const SHORT_PROMPT = 500

/** Stores a long prompt of a generation once, for its tasks of all clients: they have one fingerprint. */
export class TaskRows {
  readonly #storage: RowStorage
  /** The stored prompt; undefined before it is read. */
  #prompt: string | undefined

  constructor(storage: RowStorage) {
    this.#storage = storage
  }

  /** The row of a task, without its prompt. */
  rowOf(task: Task): StoredTask {
    const { prompt, ...request } = task.request
    if (prompt.length <= SHORT_PROMPT) return task
    this.#prompt ??= readEntry(this.#storage.kv, PROMPT, promptRow)
    if (this.#prompt === undefined) {
      this.#prompt = prompt
      this.#storage.kv.put(PROMPT, prompt)
    }
    return this.#prompt === prompt ? { ...task, request } : task
  }

  /** The task of a row. */
  taskOf({ request, ...rest }: StoredTask): Task {
    return { ...rest, request: { ...request, prompt: request.prompt ?? this.#read() } }
  }

  /** Removes the prompt after the last row that lacks it. */
  forgetPrompt(): void {
    if (this.#prompt === undefined) return
    this.#prompt = undefined
    this.#storage.kv.delete(PROMPT)
  }

  #read(): string {
    this.#prompt ??= promptRow.parse(this.#storage.kv.get(PROMPT))
    return this.#prompt
  }
}

/** The row of an ended task, with the part of its prompt that snapshots show. */
export const endedTaskRow = (task: Task): StoredTask => ({
  ...task,
  request: { ...task.request, prompt: task.request.prompt.slice(0, MAX_KEPT_PROMPT) },
})
