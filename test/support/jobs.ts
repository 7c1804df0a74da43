import { vi } from 'vitest'
import { demoProvider } from '../../src/providers/demo'
import { ask, visit } from './teams'

/** A generation in the answer to its team, with the fields that tests read. */
export interface JobJson {
  object: string
  id: string
  request_id: string
  status: string
  error: { code: string; message: string | null; param: string | null } | null
  created_at: string
  started_at: string | null
  ended_at: string | null
  latency_ms: number | null
  images: { url: string }[]
  cost_usd: number | null
  progress: { percent: number; estimated: boolean } | null
  queued_before: number | null
  result: { data: { url?: string; b64_json?: string }[]; usage?: unknown } | null
}

export const ASYNC = { prefer: 'respond-async' }
const PATIENCE_MS = 20_000

/** Requests a picture with `Prefer: respond-async`. */
export const startJob = (
  key: string,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Response> => ask(key, body, { ...ASYNC, ...headers })

/** Submits a job and returns the id of its generation. */
export async function job(
  key: string,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await startJob(key, body, headers)
  if (response.status !== 202) throw new Error(`the job was not taken on: ${await response.text()}`)
  return (await response.json<JobJson>()).id
}

/** The state of a job. */
export async function jobState(key: string, id: string): Promise<JobJson> {
  const response = await visit(key, `/v1/generations/${id}`)
  if (response.status !== 200) throw new Error(`the job has no state: ${await response.text()}`)
  return await response.json<JobJson>()
}

/** Waits until a job has one of these states. */
export const jobWithStatus = (key: string, id: string, ...statuses: string[]): Promise<JobJson> =>
  vi.waitUntil(
    async () => {
      const state = await jobState(key, id)
      return statuses.includes(state.status) && state
    },
    { timeout: PATIENCE_MS, interval: 20 },
  )

/** Waits until a job has ended. */
export const ended = (key: string, id: string): Promise<JobJson> =>
  jobWithStatus(key, id, 'succeeded', 'failed', 'cancelled')

export const cancel = (key: string, id: string): Promise<Response> => visit(key, `/v1/generations/${id}/cancel`, 'POST')

/** Waits until an upstream has read so many calls; a fault of `@once` is used up then. */
export const called = (
  { calls }: { calls: readonly { fields: Record<string, unknown> }[] },
  times: number,
): Promise<boolean> =>
  vi.waitUntil(() => calls.length === times && calls.every(({ fields }) => 'prompt' in fields), {
    timeout: PATIENCE_MS,
    interval: 5,
  })

/** Of a model that only the demo serves. */
export const DRAWN = { model: 'gemini-3-pro-image', quality: undefined }

/** Makes the demo work for so long on each request; returns the jobs of its calls. */
export function slowDemo(delayMs: number): (string | undefined)[] {
  const jobs: (string | undefined)[] = []
  const generate = demoProvider.generate.bind(demoProvider)
  vi.spyOn(demoProvider, 'generate').mockImplementation((request, upstream, work) => {
    jobs.push(work.job)
    return generate(request, { ...upstream, options: { delayMs } }, work)
  })
  return jobs
}
