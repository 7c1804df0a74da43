/**
 * Requests to a team while 200,000 old entries of its ledger move to R2. The ledger is that of an earlier version, so it
 * is summed first. A request asks for the usage, which the team's object answers in one step.
 */
import { makeTemporaryDirectory } from '../miniflare/temporary-directory.ts'
import { build } from './build.ts'
import { startUpstream } from './processes.ts'
import { start } from './runtime.ts'
import { gatewayVariables } from './settings.ts'
import { median } from './table.ts'

const ENTRIES = 200_000
const ENTRIES_PER_FILE = 250
const DAYS = 45
const PAUSE_MS = 5

const running: { stop: () => Promise<void> }[] = []
const kept = <Stoppable extends { stop: () => Promise<void> }>(one: Stoppable): Stoppable => (running.push(one), one)

try {
  const { url, key } = await prepare()
  const startedMs = performance.now()
  let isDone = false
  const watching = (async () => {
    while (!isDone) {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      isDone = (await filesOf(url)) >= ENTRIES / ENTRIES_PER_FILE
    }
  })()
  const beside = await usageTimes(url, key, Infinity, () => isDone)
  await watching
  const seconds = (performance.now() - startedMs) / 1000
  const alone = await usageTimes(url, key, 400, () => false)
  console.log(`${ENTRIES} entries moved in ${seconds.toFixed(0)} s`)
  console.log(`a request alone: ${facts(alone)}; meanwhile: ${facts(beside)}`)
} finally {
  await Promise.all(running.map((each) => each.stop()))
}

async function prepare(): Promise<{ url: string; key: string }> {
  const upstream = kept(await startUpstream())
  const variables: Record<string, string> = { ...gatewayVariables(upstream.baseUrl), LISTS_PER_MINUTE: '1000000' }
  const served = { bundle: await build('test/bench/workers/filling.ts'), variables }
  const storage = await makeTemporaryDirectory()
  const former = await start(served, storage.path)
  const admin = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${variables['ADMIN_TOKEN']}`, 'content-type': 'application/json' }
    const response = await fetch(`${former.url}admin/api/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return JSON.parse(await response.text())
  }
  await admin('teams', { id: 'studio' })
  const key = String((await admin('teams/studio/keys', { name: 'bench' }))['key'])
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'gpt-image-2', prompt: 'one @bytes=1024', response_format: 'url' })
  await (await fetch(`${former.url}v1/images/generations`, { method: 'POST', headers, body })).text()
  await (await fetch(`${former.url}__fill?team=studio&count=${ENTRIES}&days=${DAYS}`)).text()
  await former.stop()
  const { url } = kept(await start(served, storage.path))
  console.error('summing')
  while (!(await isSummed(url, key))) await new Promise((resolve) => setTimeout(resolve, 500))
  return { url, key }
}

function usage(url: string, key: string, query = ''): Promise<Response> {
  return fetch(`${url}v1/usage${query}`, { headers: { authorization: `Bearer ${key}` } })
}

/** Whether the usage of the old entries is known. */
async function isSummed(url: string, key: string): Promise<boolean> {
  const from = new Date(Date.now() - (DAYS + 32) * 86_400_000).toISOString().slice(0, 10)
  const response = await usage(url, key, `?from=${from}`)
  await response.text()
  return response.status === 200
}

async function filesOf(url: string): Promise<number> {
  const { files }: { files: number } = JSON.parse(await (await fetch(`${url}__files?team=studio`)).text())
  return files
}

/** The times of requests in ms, one after the other. */
async function usageTimes(url: string, key: string, count: number, isOver: () => boolean): Promise<number[]> {
  const times: number[] = []
  while (times.length < count && !isOver()) {
    const startedMs = performance.now()
    await (await usage(url, key)).text()
    times.push(performance.now() - startedMs)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  return times
}

function facts(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const rank = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(0)
  return `median ${median(times).toFixed(0)} ms, 99th percentile ${rank(0.99)} ms, slowest ${rank(1)} ms (${times.length})`
}
