import { type ErrorCode, failed, ok } from '../../../src/failures/errors'
import type { ImageRecord } from '../../../src/image/record'
import type { RunOutcome } from '../../../src/generation/outcome'
import type { Progress } from '../../../src/generation/progress'
import type { Task } from '../../../src/generation/task'

export const PAYERS = [
  { team: 'acme', key: 'one' },
  { team: 'acme', key: 'two' },
  { team: 'other', key: 'one' },
] as const

/** The work of the simulated generation: two images. */
export const TASK: Task = {
  id: 'gen_1',
  request: {
    operation: 'generate',
    model: 'gpt-image-2',
    prompt: 'A cat',
    n: 2,
    size: '1024x1024',
    quality: 'low',
    background: 'auto',
    format: 'png',
    compression: 100,
    moderation: 'auto',
    extras: {},
    images: [],
    partials: 0,
  },
  requestId: 'req_0',
  shared: true,
  payer: PAYERS[0],
  origin: 'https://darkroom.example.net',
}

const callFor = (wanted: number[], seat: string, startedMs: number, hasJob: boolean): Progress['calls'][number] => ({
  seat,
  accountId: 'openai/1',
  upstream: { name: 'openai', account: 0 },
  model: 'gpt-image-2',
  startedMs,
  wanted,
  adjusted: [],
  asked: { size: '1024x1024', quality: 'low', format: 'png' },
  ...(hasJob ? { job: 'job_1' } : {}),
})

export function outcomeOf(progress: Progress, isFailed: boolean, code: ErrorCode = 'upstream_failed'): RunOutcome {
  const images = progress.images.filter((image) => image !== undefined)
  const cost = 100 * progress.calls.length
  const record: ImageRecord = {
    id: TASK.id,
    createdMs: 1,
    tookMs: 1,
    operation: 'generate',
    model: 'gpt-image-2',
    upstream: { name: 'openai', account: 0 },
    images,
  }
  const failure = { code, message: 'Failed.' }
  return {
    made: isFailed ? failed(failure) : ok(record),
    attempts: progress.calls.length,
    last: undefined,
    spending: { cost, estimated: 0, taken: images.length },
  }
}

/** The progress with which a process makes a run: it ends the calls of a dead one, but for jobs. */
export const resumed = ({ images, calls }: Progress = { images: [], calls: [] }): Progress => ({
  images,
  calls: calls.map((call) => (call.job === undefined ? { ...call, isOver: true } : call)),
})

/** The progress after the next step of an upstream: a call, an image or the end of a call. Undefined for the end of all. */
export function stepOf(before: Progress, id: string, nowMs: number, chance: number): Progress | undefined {
  const progress = structuredClone(before)
  const going = progress.calls.find(({ isOver }) => !isOver)
  const [first, ...others] = [0, 1].filter((index) => !progress.images[index])
  if (chance < 5 || (!going && first === undefined)) return undefined
  if (!going) {
    const wanted = first === undefined ? [] : [first, ...others]
    progress.calls.push(callFor(wanted, `${id}.${progress.calls.length}`, nowMs, chance % 3 === 0))
  } else if (first !== undefined && chance % 2 === 0) {
    progress.images[first] = { key: `images/${id}-${first}`, bytes: 1, mediaType: 'image/png' }
  } else going.isOver = true
  return progress
}
