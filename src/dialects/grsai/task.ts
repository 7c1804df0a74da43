import { pixelsOf } from '../../catalog/sizes'
import { failureInWords } from '../../failures/words'
import type { Vocabulary } from '../../failures/vocabulary'
import { type ErrorCode, type Failure, STATUS } from '../../failures/errors'
import { wordFailure } from '../worded-failure'
import { grsaiVocabulary } from './vocabulary'
import type { ImageRecord } from '../../image/record'
import type { Snapshot } from '../../ledger/snapshot'
import { type RenderedError, renderedJson } from '../dialect'

/** A task in the words of neither generation of the API. */
export interface GrsaiTask {
  id: string
  status: 'running' | 'succeeded' | 'failed'
  /** From 0 to 100; clients take 100 for any end (protocols §5.1). */
  progress: number
  /** Links to the pictures. */
  urls: string[]
  /** The size of each picture, as `WIDTHxHEIGHT`. */
  size?: string | undefined
  failure?: { code: ErrorCode; text: string }
}

/** The highest progress of a task that still runs. */
const MAX_RUNNING_PERCENT = 99

export const runningTask = (id: string, percent: number): GrsaiTask => ({
  id,
  status: 'running',
  progress: Math.min(MAX_RUNNING_PERCENT, percent),
  urls: [],
})

export const succeededTask = ({ images, size }: ImageRecord, id: string, link: (key: string) => string): GrsaiTask => ({
  id,
  status: 'succeeded',
  progress: 100,
  urls: images.map(({ key }) => link(key)),
  size,
})

/** Ends with an unknown cost: a cancelled task or a lost one may have made pictures. */
const COST_UNKNOWN: readonly ErrorCode[] = ['cancelled', 'internal', 'unavailable', 'timed_out']

/** The cost of a failure in micro-USD; undefined if its upstream may bill it, which no retry may repeat. */
export const costOfFailure = ({ code, retry }: Failure): 0 | undefined =>
  COST_UNKNOWN.includes(code) || (code === 'upstream_failed' && retry === false) ? undefined : 0

/** A failed task; `cost` is in micro-USD and undefined if unknown. */
export function failedTask(
  id: string,
  { code, message = `The image could not be made (${code}).` }: { code: ErrorCode; message?: string },
  cost: number | undefined,
): GrsaiTask {
  const text = cost === 0 ? `${message} Nothing was charged.` : message
  return { id, status: 'failed', progress: 100, urls: [], failure: { code, text } }
}

/** The task of a generation, `percent` of the way. */
export function taskOf(
  snapshot: Snapshot,
  percent: number,
  link: (key: string) => string,
  { vocabulary }: TaskWording,
): GrsaiTask {
  const { id, status, images, size, failure, cost } = snapshot
  if (status === 'queued' || status === 'running') return runningTask(id, percent)
  if (status !== 'succeeded') {
    const isComplete = failure && ('message' in failure || 'refusal' in failure)
    return failedTask(id, isComplete ? failureInWords(failure, vocabulary) : (failure ?? { code: 'internal' }), cost)
  }
  return { id, status, progress: 100, urls: images.map(link), size }
}

/** The wording of one generation of the API. */
export interface TaskWording {
  vocabulary: Vocabulary
  task: (task: GrsaiTask) => Record<string, unknown>
  /** The answer to a request for the state of a task. */
  status: (task: GrsaiTask) => unknown
  /** The answer to a request for a job. */
  accepted: (id: string) => unknown
  /** The answer to a request without a task. */
  refused: (failure: Failure, requestId: string) => RenderedError
}

const successBody = (data: unknown): unknown => ({ code: 0, msg: 'success', data })

const [REFUSED, UNKNOWN_TASK] = [-1, -22]

/** The old generation (protocols §5.1); every answer has the status 200. */
export const DRAW_WORDING: TaskWording = {
  vocabulary: grsaiVocabulary('urls'),
  task: drawTask,
  status: (task) => successBody(drawTask(task)),
  accepted: (id) => successBody({ id }),
  refused: (failure, requestId) => {
    const { code, message } = wordFailure(failure, requestId, DRAW_WORDING.vocabulary)
    // Clients look for these words.
    const msg = code === 'budget_exhausted' ? `insufficient credits: ${message}` : message
    return renderedJson(200, { code: code === 'not_found' ? UNKNOWN_TASK : REFUSED, data: null, msg })
  },
}

/** The oldest clients read the first picture from `url`. */
function drawTask({ id, status, progress, urls, size = '', failure }: GrsaiTask): Record<string, unknown> {
  const { width, height } = pixelsOf(size) ?? { width: 0, height: 0 }
  return {
    id,
    status,
    progress,
    results: urls.map((url) => ({ url, content: '' })),
    url: urls[0] ?? '',
    width,
    height,
    failure_reason: failure ? failureReason(failure.code) : '',
    error: failure?.text ?? '',
  }
}

/** Upstreams do not tell a refused prompt from a refused picture; a retry meets the same refusal. */
const failureReason = (code: ErrorCode): string => (code === 'content_rejected' ? 'input_moderation' : 'error')

/** The new generation (protocols §5.2). */
export const API_WORDING: TaskWording = {
  vocabulary: grsaiVocabulary('images'),
  task: apiTask,
  status: apiTask,
  accepted: (id) => apiTask(runningTask(id, 0)),
  refused: (failure, requestId) => {
    const { code, message: text } = wordFailure(failure, requestId, API_WORDING.vocabulary)
    const task = apiTask({ id: '', status: 'failed', progress: 0, urls: [], failure: { code, text } })
    return renderedJson(STATUS[code], task)
  },
}

function apiTask({ id, status, progress, urls, failure }: GrsaiTask): Record<string, unknown> {
  return {
    id,
    status: failure?.code === 'content_rejected' ? 'violation' : status,
    progress,
    results: urls.map((url) => ({ url })),
    error: failure?.text ?? '',
  }
}
