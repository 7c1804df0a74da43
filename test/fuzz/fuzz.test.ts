import * as fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { knock } from '../support/gateway'
import { deleteObjects } from '../support/objects'
import { settings } from '../support/settings'
import { FUZZ_UPSTREAMS, playUpstreams } from './moody-upstreams'
import { faultsOfAnswer, faultsOfLog, type Finding } from './oracle'
import { type FuzzRequest, fuzzRequest } from './requests'
import { count, seed } from './size'

/** Requests between two clean storages. */
const BATCH = 500
/** The time after which no batch begins, in ms: a busy machine makes fewer requests. */
const LONGEST_MS = 200_000
/** Requests at once. */
const AT_ONCE = 16
/** A longer answer is a hang, in ms. */
const HANG_MS = 20_000
/** The time after which the client of a stalled body leaves, in ms. */
const STALL_MS = 30

settings({
  UPSTREAMS: JSON.stringify(FUZZ_UPSTREAMS),
  FAKE_KEY: 'key-of-the-fake',
  DEMO_UPSTREAM: false,
  CORS_ORIGINS: 'https://app.example.com',
})
afterEach(async () => {
  vi.restoreAllMocks()
  await deleteObjects()
})

/** The body of a request, which may break off or stall after its bytes. */
function bodyOf({ body, end }: FuzzRequest): BodyInit | null {
  if (!body) return null
  if (end === 'whole') return body
  let isSent = false
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (!isSent) controller.enqueue(body)
      else if (end === 'broken') controller.error(new Error('The client broke off.'))
      else return new Promise<void>(() => {})
      isSent = true
      return undefined
    },
  })
}

/** A status and the faults of a request; the status is 0 for a client that left. */
async function asked(request: FuzzRequest): Promise<{ status: number; faults: string[] }> {
  const { method, path, headers, end } = request
  const left = new AbortController()
  const leave = end === 'stalled' ? setTimeout(() => left.abort(), STALL_MS) : undefined
  const hang = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => hang.resolve(undefined), HANG_MS)
  try {
    const init = { method, headers, body: bodyOf(request), signal: left.signal, redirect: 'manual' } as const
    const answer = knock(path, init).then(async (response) => ({ response, body: await response.text() }))
    const answered = await Promise.race([answer, hang.promise])
    if (!answered) return { status: 0, faults: ['no answer in time'] }
    return { status: answered.response.status, faults: faultsOfAnswer(request, answered.response, answered.body) }
  } catch (error) {
    return end === 'whole' ? { status: 0, faults: [`an exception: ${String(error)}`] } : { status: 0, faults: [] }
  } finally {
    clearTimeout(leave)
    clearTimeout(timer)
  }
}

const shown = ({ body, headers, ...rest }: FuzzRequest): string =>
  JSON.stringify({
    ...rest,
    headers: Object.fromEntries(headers),
    body: body && new TextDecoder().decode(body).slice(0, 600),
  })

test(`${count} requests of seed ${seed} meet no 500, hang, leak or foreign error`, async () => {
  await playUpstreams()
  const findings: Finding[] = []
  const counts = new Map<string, number>()
  const logged: string[] = []
  const log = vi
    .spyOn(console, 'log')
    .mockImplementation((...words: unknown[]) => void logged.push(words.map(String).join(' ')))
  const beganMs = Date.now()
  for (let first = 0; first < count && Date.now() - beganMs < LONGEST_MS; first += BATCH) {
    const requests = fc.sample(fuzzRequest, { seed: seed + first, numRuns: Math.min(BATCH, count - first) })
    const queue = requests.entries()
    const work = async (): Promise<void> => {
      for (const [at, request] of queue) {
        const { status, faults } = await asked(request)
        const line = `${request.route} ${status}`
        counts.set(line, (counts.get(line) ?? 0) + 1)
        findings.push(...faults.map((fault) => ({ at: first + at, fault, request: shown(request) })))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    await deleteObjects()
    const faults = logged.splice(0).flatMap(faultsOfLog)
    findings.push(...faults.map((fault) => ({ at: first, fault, request: `one of ${requests.length}` })))
  }
  log.mockRestore()
  const made = [...counts.values()].reduce((sum, number) => sum + number, 0)
  console.log(`seed ${seed}, ${made} requests\n${tableOf(counts)}`)
  expect(findings.slice(0, 20)).toEqual([])
})

/** A line of counts for each route. */
const tableOf = (counts: ReadonlyMap<string, number>): string =>
  [
    ...Map.groupBy(
      [...counts].toSorted(([line], [other]) => line.localeCompare(other)),
      ([line]) => line.split(' ')[0] ?? '',
    ),
  ]
    .map(
      ([route, lines]) => `${route}: ${lines.map(([line, number]) => `${line.split(' ')[1]} ×${number}`).join(', ')}`,
    )
    .join('\n')
