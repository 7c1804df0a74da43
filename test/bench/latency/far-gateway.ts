import { join } from 'node:path'
import { bundle } from '../../miniflare/bundle.ts'
import { makeTemporaryDirectory } from '../../miniflare/temporary-directory.ts'
import { startWorker } from '../../miniflare/worker.ts'
import { startUpstream } from '../processes.ts'
import { gatewayVariables } from '../settings.ts'
import type { Distance, Journal } from '../workers/far/distance.ts'

/** A request, and its expected answer. */
export interface Asked {
  path: string
  key: string
  /** The JSON body of a POST; absent for a GET. */
  body?: Record<string, unknown>
  headers?: Record<string, string>
  expected: { status: number; cache?: 'HIT' | 'MISS' | 'JOINED' }
}

/** The gateway at a distance from its objects and stores, in a fresh isolate. */
export interface FarGateway {
  /** A key of its team. */
  key: string
  /** A key of the same team without a request in this isolate. Throws Error when none is left. */
  coldKey: () => string
  /** A prompt with a stored picture, which this isolate has never sent. Throws Error when none is left. */
  storedPrompt: () => string
  newPrompt: () => string
  /** Asks, and returns the text of the answer and its time in ms. Throws Error for an unexpected answer. */
  ask: (asked: Asked) => Promise<{ text: string; ms: number }>
  /** Changes the distance once all calls have ended, and returns the journal of the former one. */
  setDistance: (distance: Distance) => Promise<Journal>
  /** Stops the clock of the gateway, so that a busy machine ages nothing; or has it run. */
  setClock: (is: 'stopped' | 'running') => Promise<void>
  stop: () => Promise<void>
}

/** Served by one upstream. */
const MODEL = 'gpt-image-2'
/** Served by three upstreams. */
export const MODEL_OF_THREE = 'gpt-image-1.5'

/** A small picture: calls take the time, not bytes. */
const PICTURE_BYTES = 1024

/** Makes so many pictures and keys, and starts a fresh isolate with them. */
export async function startFarGateway(counts: { pictures: number; coldKeys: number }): Promise<FarGateway> {
  const upstream = await startUpstream()
  const { path, remove } = await makeTemporaryDirectory()
  const order = { bundle: join(path, 'bundle'), storage: join(path, 'storage'), variables: variables(upstream.baseUrl) }
  await bundle('test/bench/workers/far/worker.ts', order.bundle)
  const former = await startWorker(order)
  const stored = await fill(String(await former.ready), order.variables, counts)
  await former.dispose()
  const miniflare = await startWorker(order)
  const url = String(await miniflare.ready)
  let made = 0
  return {
    key: stored.key,
    coldKey: () => next(stored.coldKeys),
    storedPrompt: () => next(stored.prompts),
    newPrompt: () => prompt(`new picture ${made++}`),
    ask: (asked) => ask(url, asked),
    setDistance: (distance) => setDistance(url, distance),
    setClock: async (is) => void (await fetch(`${url}__clock?is=${is}`)),
    stop: async () => {
      await miniflare.dispose()
      await upstream.stop()
      remove()
    },
  }
}

function variables(upstreamUrl: string): Record<string, string> {
  const account = { provider: 'openai', secret: 'BENCH_KEY', base_url: upstreamUrl }
  const upstreams = [
    { ...account, name: 'sole', models: [MODEL] },
    ...['first', 'second', 'third'].map((name) => ({ ...account, name, models: [MODEL_OF_THREE] })),
  ]
  return { ...gatewayVariables(upstreamUrl), UPSTREAMS: JSON.stringify(upstreams), LISTS_PER_MINUTE: '1000000' }
}

interface Stored {
  key: string
  coldKeys: string[]
  prompts: string[]
}

async function fill(
  url: string,
  { ADMIN_TOKEN = '' }: Record<string, string>,
  { pictures, coldKeys }: { pictures: number; coldKeys: number },
): Promise<Stored> {
  const admin = async (path: string, body: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const { text } = await ask(url, { path: `admin/api/${path}`, key: ADMIN_TOKEN, body, expected: { status: 201 } })
    return JSON.parse(text)
  }
  await admin('teams', { id: 'studio' })
  const newKey = async (): Promise<string> => String((await admin('teams/studio/keys', { name: 'bench' }))['key'])
  const stored: Stored = { key: await newKey(), coldKeys: [], prompts: [] }
  while (stored.coldKeys.length < coldKeys) stored.coldKeys.push(await newKey())
  for (let picture = 0; picture < pictures; picture++) {
    const asked = picturesOf(stored.key, prompt(`stored picture ${picture}`), 'MISS')
    await ask(url, asked)
    stored.prompts.push(String(asked.body['prompt']))
  }
  await setDistance(url, 'near')
  return stored
}

const prompt = (text: string): string => `${text} @bytes=${PICTURE_BYTES}`

/** A request for a picture. */
export const picturesOf = (
  key: string,
  prompt: string,
  cache: 'HIT' | 'MISS' | 'JOINED',
  given: Record<string, unknown> = {},
): Asked & { body: Record<string, unknown> } => ({
  path: 'v1/images/generations',
  key,
  body: { model: MODEL, prompt, response_format: 'url', ...given },
  expected: { status: 200, cache },
})

async function ask(url: string, { path, key, body, headers, expected }: Asked): Promise<{ text: string; ms: number }> {
  const init = body ? { method: 'POST', body: JSON.stringify(body) } : {}
  const sent = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers }
  const startedMs = performance.now()
  const response = await fetch(url + path, { ...init, headers: sent })
  const text = await response.text()
  const ms = performance.now() - startedMs
  const { status, cache } = { status: response.status, cache: response.headers.get('x-cache') }
  if (status !== expected.status || (expected.cache !== undefined && cache !== expected.cache))
    throw new Error(`${path}: the answer is ${status} ${cache}, not ${JSON.stringify(expected)}: ${text.slice(0, 300)}`)
  return { text, ms }
}

async function setDistance(url: string, distance: Distance): Promise<Journal> {
  const response = await fetch(`${url}__distance?is=${distance}`)
  return JSON.parse(await response.text())
}

function next(values: string[]): string {
  const value = values.shift()
  if (value === undefined) throw new Error('none is left for this round')
  return value
}
