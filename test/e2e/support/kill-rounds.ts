import { setTimeout as pause } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import type { Call } from '../../support/fake-openai.ts'
import { type Gateway, sendingTo, startGateway } from './gateway.ts'
import { type LoadKeys, type LoadRequest, loadOf, randomFrom } from './load.ts'
import { type Entry, Operator, limitStatus } from './operator.ts'
import { type ClientEnd, persist } from './persistent-client.ts'
import { type Hook, type Receiver, idsOf } from './receiver.ts'
import type { Upstream } from './upstream.ts'

/** The extent of a run of kills. */
export interface KillRounds {
  rounds: number
  /** The requests of each round. */
  size: number
  /** The longest time from a load to its kill, in ms. */
  longestMs: number
  seed: number
}

/** A request with all that came of it. */
export interface Outcome {
  request: LoadRequest
  end: ClientEnd
  calls: Call[]
  entries: Entry[]
}

/** The time from a kill to the end of the next start, in ms since 1970. */
interface Kill {
  fromMs: number
  toMs: number
}

/** The gateway after all kills, at rest. */
export interface Aftermath {
  gateway: Gateway
  operator: Operator
  keys: LoadKeys
  /** The webhook of each team. */
  hooks: Record<keyof LoadKeys, Hook>
  outcomes: Outcome[]
  calls: Call[]
  kills: Kill[]
  /** The time from the last kill to the end of all work, in ms. */
  restMs: number
}

export const TEAMS = ['open', 'queue'] as const

/** The wait for the end of all work, in ms. A run without a client waits for an alarm. */
const REST_MS = 400_000

/** Kills and restarts a gateway under load, and waits for the end of all work. */
export async function killInRounds(
  { rounds, size, longestMs, seed }: KillRounds,
  upstream: Upstream,
  receiver: Receiver,
): Promise<Aftermath> {
  const random = randomFrom(seed)
  const variables = { ...sendingTo(upstream.origin), WEBHOOKS_PER_MINUTE: '100000' }
  let gateway = await startGateway(variables)
  const port = Number(new URL(gateway.baseUrl).port)
  const operator = new Operator(gateway)
  const [keys, hooks] = [await teamsOf(operator), { open: receiver.hook(), queue: receiver.hook() }]
  for (const team of TEAMS) await operator.setWebhook(team, hooks[team].url)

  const clients = new Clients(gateway)
  const kills: Kill[] = []
  for (let round = 0; round < rounds; round++) {
    for (const request of loadOf(round, size, { keys, receiver, random })) clients.send(request)
    await pause(random() * longestMs)
    const fromMs = Date.now()
    await gateway.kill()
    gateway = await startGateway(variables, gateway.storage, port)
    kills.push({ fromMs, toMs: Date.now() })
  }
  const killedMs = Date.now()
  const ended = await clients.ended()
  await rest(operator, hooks, ended)
  const restMs = Date.now() - killedMs
  return { gateway, operator, keys, hooks, kills, restMs, ...(await outcomesOf(ended, operator, upstream)) }
}

const teamsOf = async (operator: Operator): Promise<LoadKeys> => ({
  open: await operator.team('open', { concurrency: 1000, budget_usd: 100 }),
  queue: await operator.team('queue', { concurrency: 4, budget_usd: 100 }),
})

type Ended = Pick<Outcome, 'request' | 'end'>

/** The clients of all rounds, each with one request. */
class Clients {
  readonly #gateway: Gateway
  readonly #pending = new Set<string>()
  readonly #ended: Ended[] = []
  readonly #failed: unknown[] = []

  constructor(gateway: Gateway) {
    this.#gateway = gateway
  }

  send(request: LoadRequest): void {
    this.#pending.add(request.prompt)
    persist(this.#gateway, request)
      .then((end) => this.#ended.push({ request, end }))
      .catch((error: unknown) => this.#failed.push(`${request.prompt}: ${String(error)}`))
      .finally(() => this.#pending.delete(request.prompt))
  }

  /** Waits for the ends of all requests. Throws where a client met an error without a meaning, or waits for ever. */
  async ended(): Promise<Ended[]> {
    await vi.waitFor(() => expect([...this.#pending]).toEqual([]), { timeout: REST_MS, interval: 500 })
    expect(this.#failed).toEqual([])
    return this.#ended
  }
}

/** Waits until no generation is under way, and all events have arrived. */
async function rest(operator: Operator, hooks: Aftermath['hooks'], ended: readonly Ended[]): Promise<void> {
  const isAtRest = async (): Promise<void> => {
    for (const team of TEAMS) {
      const entries = await operator.audit(team)
      expect(entries.filter(({ status }) => status === 'running').map(({ prompt }) => prompt)).toEqual([])
      expect(limitStatus((await operator.read(team)).standings, 'concurrency').used).toBe(0)
      const arrived = new Set(idsOf(hooks[team]))
      expect(entries.filter(({ run }) => !arrived.has(`evt_${run}`))).toEqual([])
    }
    const untold = ended.filter(({ request: { hook } }) => hook?.attempts.length === 0)
    expect(untold.map(({ request }) => request.prompt)).toEqual([])
  }
  await vi.waitFor(isAtRest, { timeout: REST_MS, interval: 2000 })
}

async function outcomesOf(
  ended: readonly Ended[],
  operator: Operator,
  upstream: Upstream,
): Promise<Pick<Aftermath, 'outcomes' | 'calls'>> {
  const calls = await upstream.calls()
  const entries = (await Promise.all(TEAMS.map((team) => operator.audit(team)))).flat()
  const callsOf = Map.groupBy(calls, ({ fields }) => String(fields['prompt']))
  const entriesOf = Map.groupBy(entries, ({ prompt }) => prompt)
  const outcomes = ended.map(({ request, end }) => ({
    request,
    end,
    calls: callsOf.get(request.prompt) ?? [],
    entries: entriesOf.get(request.prompt) ?? [],
  }))
  return { outcomes, calls }
}
