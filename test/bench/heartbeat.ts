/**
 * A generation of 150 s by a plain `fetch`, through a proxy that breaks off after 70 s of silence. It runs with
 * default settings, as a stream, and without a heartbeat. The last one shows that the proxy works.
 */
import { startIdleProxy } from '../e2e/support/idle-proxy.ts'
import { build } from './build.ts'
import { MIB, base64Length } from './picture.ts'
import { startUpstream } from './processes.ts'
import { GATEWAY_KEY } from './requests.ts'
import { start } from './runtime.ts'
import { gatewayVariables } from './settings.ts'

const WORK_SECONDS = 150
const IDLE_SECONDS = 70
const PICTURE_BYTES = 2 * MIB

/** The arrival of an answer. */
interface Arrival {
  isWhole: boolean
  seconds: number
  /** The longest silence, in seconds. */
  silence: number
  /** The number of bytes before the answer itself. */
  waiting: number
  bytes: number
}

const CASES = [
  { name: 'with the default settings', settings: {}, given: {}, arrives: true },
  { name: 'as a stream', settings: {}, given: { stream: true }, arrives: true },
  { name: 'without a heartbeat', settings: { HEARTBEAT_AFTER_SECONDS: '0' }, given: {}, arrives: false },
]

const running: { stop: () => Promise<void> }[] = []
const kept = <Stoppable extends { stop: () => Promise<void> }>(one: Stoppable): Stoppable => (running.push(one), one)

try {
  const upstream = kept(await startUpstream())
  const bundle = await build('src/index.ts')
  const arrivals: Promise<boolean>[] = []
  for (const { name, settings, given, arrives } of CASES) {
    const gateway = kept(await start({ bundle, variables: { ...gatewayVariables(upstream.baseUrl), ...settings } }))
    const proxy = kept(await startIdleProxy(gateway.url, IDLE_SECONDS * 1000))
    const prompt = `${name} @delay_ms=${WORK_SECONDS * 1000} @bytes=${PICTURE_BYTES}`
    const arrival = ask(`${proxy.baseUrl}v1/images/generations`, { model: 'gpt-image-2', prompt, ...given })
    arrivals.push(arrival.then((each) => report(name, each, arrives)))
  }
  console.error(`asking for generations of ${WORK_SECONDS} s through a proxy that cuts after ${IDLE_SECONDS} s`)
  if ((await Promise.all(arrivals)).includes(false)) process.exitCode = 1
} finally {
  await Promise.all(running.map((each) => each.stop()))
}

async function ask(url: string, body: Record<string, unknown>): Promise<Arrival> {
  const startedMs = performance.now()
  const seconds = (): number => (performance.now() - startedMs) / 1000
  let [last, silence, text] = [0, 0, '']
  const hear = (): void => {
    silence = Math.max(silence, seconds() - last)
    last = seconds()
  }
  const arrival = (isWhole: boolean): Arrival => {
    hear()
    const waiting = Math.max(0, text.search(/\{|event:/))
    return { isWhole, seconds: last, silence, waiting, bytes: text.length }
  }
  try {
    const headers = { authorization: `Bearer ${GATEWAY_KEY}`, 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    hear()
    for await (const chunk of response.body ?? []) {
      hear()
      text += Buffer.from(chunk).toString('latin1')
    }
    const base64 = /"b64_json":"([^"]*)"/.exec(text)?.[1] ?? ''
    return arrival(response.status === 200 && base64.length === base64Length(PICTURE_BYTES))
  } catch {
    return arrival(false)
  }
}

function report(name: string, { isWhole, seconds, silence, waiting, bytes }: Arrival, arrives: boolean): boolean {
  const came = isWhole ? `whole, ${bytes} bytes, the first ${waiting} of them to keep it open` : 'cut off'
  const verdict = isWhole === arrives ? 'as expected' : 'NOT AS EXPECTED'
  console.log(
    `${name}: ${came}, after ${seconds.toFixed(1)} s, never silent for longer than ${silence.toFixed(1)} s: ${verdict}`,
  )
  return isWhole === arrives
}
