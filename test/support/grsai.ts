import { vi } from 'vitest'
import { demoProvider } from '../../src/providers/demo'
import { KEY, knock, ORIGIN, post } from './gateway'
import type { Settings } from './grsai-clients'

/** A task in the old generation of the API. */
export interface DrawTask {
  id: string
  status: string
  progress: number
  results: { url: string; content: string }[]
  url: string
  width: number
  height: number
  failure_reason: string
  error: string
}

/** A task in the new one. */
export interface ApiTask {
  id: string
  status: string
  progress: number
  results: { url: string }[]
  error: string
}

/** The old generation's envelope. */
export interface Wrapped<Data> {
  code: number
  msg: string
  data: Data
}

type Body = Record<string, unknown>

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` })

/** Sends a request in the old generation's form. */
export const draw = (body: Body = {}, key = KEY, headers: Record<string, string> = {}): Promise<Response> =>
  post('/v1/draw/completions', { model: 'gpt-image-2', prompt: 'A cat', ...body }, { ...bearer(key), ...headers })

/** Sends a request in the new generation's form. */
export const generate = (body: Body = {}, key = KEY, headers: Record<string, string> = {}): Promise<Response> =>
  post('/v1/api/generate', { model: 'gpt-image-2', prompt: 'A cat', ...body }, { ...bearer(key), ...headers })

/** The frames of a stream; every other line is empty. */
export async function framesOf<Task = DrawTask>(response: Response): Promise<Task[]> {
  const lines = (await response.text()).split('\n').filter((line) => line !== '')
  return lines.map((line): Task => {
    if (!line.startsWith('data: ')) throw new Error(`no client reads this line: ${line}`)
    return JSON.parse(line.slice('data: '.length))
  })
}

/** The last frame of a stream. */
export async function endOf(response: Response): Promise<DrawTask> {
  const last = (await framesOf(response)).at(-1)
  if (!last) throw new Error('the stream has no frames')
  return last
}

/** The old generation's answer about a task. */
export const drawResult = async (id: string, key = KEY): Promise<Wrapped<DrawTask>> =>
  await (await post('/v1/draw/result', { id }, bearer(key))).json<Wrapped<DrawTask>>()

/** The same by the new one. */
export const apiResult = (id: string, key = KEY): Promise<Response> =>
  knock(`/v1/api/result?id=${encodeURIComponent(id)}`, { headers: bearer(key) })

/** Waits until a task has ended. */
export const drawn = (id: string, key = KEY): Promise<DrawTask> =>
  vi.waitUntil(async () => {
    const { data } = await drawResult(id, key)
    return data.status !== 'running' && data
  })

/** Submits a task with the webhook -1 for its id. */
export async function taken(body: Body = {}, key = KEY): Promise<string> {
  const { code, msg, data } = await (await draw({ webHook: '-1', ...body }, key)).json<Wrapped<{ id: string }>>()
  if (code !== 0) throw new Error(`the task was not taken on: ${msg}`)
  return data.id
}

/** The set-up of a client of protocols §9.2; `told` is its output. */
export function clientSettings(apiKey = KEY): { settings: Settings; told: string[] } {
  const told: string[] = []
  const fetch: Settings['fetch'] = (url, init) => knock(url, init)
  return { settings: { fetch, baseUrl: ORIGIN, apiKey, tell: (line) => void told.push(line) }, told }
}

/** Whether a link of an answer shows a picture. */
export const shows = async (link: string): Promise<boolean> => {
  const response = await knock(link)
  await response.arrayBuffer()
  return response.headers.get('content-type')?.startsWith('image/') ?? false
}

/** A demo with progress and an end on command. */
export interface ToldDemo {
  /** The progress that it reports next. */
  at: (percent: number) => void
  /** Ends it with the picture, or with a failure. */
  end: (error?: Error) => void
}

const LOOK_MS = 5

/** Puts the demo under the control of a test. */
export function toldDemo(): ToldDemo {
  const generate = demoProvider.generate.bind(demoProvider)
  const percents: number[] = []
  let ended: { error: Error | undefined } | undefined
  vi.spyOn(demoProvider, 'generate').mockImplementation(async function* (request, upstream, work) {
    for (let next = 0; ;) {
      const percent = percents[next]
      if (percent !== undefined) next += 1
      if (percent !== undefined) yield { type: 'progress', percent }
      else if (ended) break
      else await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    if (ended.error) throw ended.error
    yield* generate(request, upstream, work)
  })
  return { at: (percent) => void percents.push(percent), end: (error) => void (ended = { error }) }
}
