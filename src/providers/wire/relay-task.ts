import * as z from 'zod'
import type { Upstream } from '../provider'
import { optionalText } from './lenient'

/** A text, or a number in its place. */
const word = z.union([z.string(), z.number()]).transform(String).nullish().catch(undefined)

/** A task in the spellings of the relays (protocols §6.14). Every field may be missing. */
const taskFields = z.object({
  id: word,
  task_id: word,
  taskId: word,
  object: optionalText,
  status: optionalText,
  task_status: optionalText,
  state: optionalText,
  progress: word,
  poll_url: optionalText,
  polling_url: optionalText,
  status_url: optionalText,
  task_url: optionalText,
  error: z.unknown().optional(),
})
type TaskFields = z.infer<typeof taskFields>

const envelope = z.object({
  data: z.unknown().optional(),
  task: z.unknown().optional(),
  output: z.unknown().optional(),
})

/** The objects of an answer that may be the task, the innermost first. An envelope has a status of its own. */
function taskObjects(said: unknown): unknown[] {
  const { data, task, output } = envelope.safeParse(said).data ?? {}
  return [data, task, output, said].flat()
}

const fieldsIn = (said: unknown): TaskFields[] =>
  taskObjects(said).flatMap((each) => taskFields.safeParse(each).data ?? [])

const statusOf = ({ status, task_status, state }: TaskFields): string | undefined =>
  (task_status || status || state)?.toLowerCase().replaceAll(/[ -]/g, '_')

const RUNNING_WORDS =
  /^(?:submitted|created|accepted|scheduled|pending|queued|queueing|in_queue|wait(?:ing)?|not_start(?:ed)?|preparing|dispatched|start(?:ed|ing)|process(?:ing)?|in_progress|running|generating|unknown)$/
const DONE_WORDS = /^(?:completed?|success(?:ful|ed)?|succeed(?:ed)?|finish(?:ed)?|done|ready)$/
const FAILED_WORDS = /^(?:fail(?:ed|ure)?|error(?:ed)?|cancell?ed|expired|rejected|aborted|terminated|time(?:d_)?out)$/

/** The standing of a task by its word. A word of no list is `unknown`, and `missing` means that there is none. */
type Standing = 'running' | 'done' | 'failed' | 'unknown' | 'missing'

function standingOf(status: string | undefined): Standing {
  if (status === undefined) return 'missing'
  if (DONE_WORDS.test(status)) return 'done'
  if (FAILED_WORDS.test(status)) return 'failed'
  return RUNNING_WORDS.test(status) ? 'running' : 'unknown'
}

/** The standing and the progress in percent of the task in an answer. */
export function standingIn(said: unknown): { standing: Standing; percent: number | undefined } {
  const all = fieldsIn(said)
  const status = all.map(statusOf).find((each) => each !== undefined)
  const progress = all.map((each) => Number.parseFloat(each.progress ?? '')).find((each) => !Number.isNaN(each))
  // A task that reports progress needs no word for it.
  const standing = status === undefined && progress !== undefined ? 'running' : standingOf(status)
  return { standing, percent: progress === undefined ? undefined : Math.min(100, progress) }
}

/** A relay's task: its id, and the address of its state if the relay names one. */
export const relayTask = z.object({ id: z.string(), at: z.string().optional() })
export type RelayTask = z.infer<typeof relayTask>

/** An id without characters that lead to another path. */
const ID = /^(?!\.+$)[\w.~-]{1,200}$/

/** The tasks in an answer to OpenAI's route, in place of its pictures. An `id` alone makes no task. */
export function tasksIn(said: unknown, headers: Headers): RelayTask[] {
  const location = headers.get('location') ?? undefined
  const tasks = fieldsIn(said).flatMap((each): RelayTask[] => {
    const isRunning = standingOf(statusOf(each)) === 'running'
    if (each.error && !isRunning) return []
    const named = each.poll_url || each.polling_url || each.status_url || each.task_url || undefined
    const isTask = isRunning || named !== undefined || /\btask\b/.test(each.object ?? '')
    const id = each.task_id || each.taskId || (isTask ? each.id : undefined)
    return id && ID.test(id) ? [{ id, at: named ?? location }] : []
  })
  return tasks.filter(({ id }, at) => tasks.findIndex((each) => each.id === id) === at)
}

/** The routes of a task's state at relays that name none. */
const ROUTES = ['/tasks/', '/images/generations/', '/images/tasks/']

/**
 * The addresses of a task's state, the likeliest first. A named address counts at the configured origin and with the
 * task's id only, because the credential goes there.
 */
export function stateAddresses({ id, at }: RelayTask, { baseUrl }: Pick<Upstream, 'baseUrl'>): string[] {
  const own = ROUTES.map((route) => baseUrl + route + id)
  const { origin } = new URL(baseUrl)
  const named = at !== undefined && URL.canParse(at, `${baseUrl}/`) ? new URL(at, `${baseUrl}/`) : undefined
  if (named?.origin !== origin) return own
  const path = named.pathname + named.search
  return path.includes(id) ? [...new Set([origin + path, ...own])] : own
}

/** The spellings of a failed task's reason. */
const failureFields = z.object({
  error: z
    .union([
      z.string().transform((message) => ({ message, code: undefined, type: undefined, param: undefined })),
      z.object({ message: optionalText, code: word, type: optionalText, param: optionalText }),
    ])
    .nullish()
    .catch(undefined),
  fail_reason: optionalText,
  failReason: optionalText,
  failure_reason: optionalText,
  error_message: optionalText,
  errorMessage: optionalText,
  task_status_msg: optionalText,
  message: optionalText,
  error_code: word,
  http_status: word,
})

/** The error body of a failed task in OpenAI's form. The status of the failed call stands in for a missing code. */
export function failureIn(said: unknown): { error: { message: string; code?: string; type?: string; param?: string } } {
  const all = taskObjects(said).flatMap((each) => failureFields.safeParse(each).data ?? [])
  const first = (read: (each: z.infer<typeof failureFields>) => string | null | undefined): string | undefined =>
    all.map(read).find(Boolean) ?? undefined
  const code = first(({ error, error_code, http_status }) => error?.code || error_code || http_status)
  const type = first(({ error }) => error?.type)
  const param = first(({ error }) => error?.param)
  const message = first(
    (each) =>
      each.error?.message ||
      each.fail_reason ||
      each.failReason ||
      each.failure_reason ||
      each.error_message ||
      each.errorMessage ||
      each.task_status_msg ||
      each.message,
  )
  return { error: { message: message ?? '', ...(code && { code }), ...(type && { type }), ...(param && { param }) } }
}
