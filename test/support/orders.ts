import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import type { Order, Settlement } from '../../src/ledger/entry'
import { audit, limitStatus, used } from './accounting'
import type { IssuedKey } from './teams'

/** Far ahead, so that no alarm rings by itself: the runtime's own clock cannot be set. */
export const NOON = Date.UTC(2096, 10, 20, 12)
export const HOUR = 3_600_000

/** Sets the clock. */
export const at = (nowMs: number): unknown => vi.useFakeTimers({ toFake: ['Date'], now: nowMs })

/** The reservation of a run of two pictures by a team's key. */
export const orderOf = ({ id: key }: IssuedKey, more: Partial<Order> = {}): Order => ({
  id: 'run_1',
  generation: 'gen_1',
  request: 'req_1',
  key,
  model: 'gpt-image-2',
  operation: 'generate',
  prompt: 'A cat',
  images: 2,
  size: '1024x1024',
  quote: 1000,
  holdMs: HOUR,
  ...more,
})

/** A settlement with one picture, below the reservation. */
export const settled = (more: Partial<Settlement> = {}): Settlement => ({
  id: 'run_1',
  failure: undefined,
  cost: 700,
  images: ['images/gen_1/a-0.png'],
  attempts: 1,
  upstream: { name: 'openai', account: 0, model: 'gpt-image-2', requestId: 'req_theirs', organization: 'org-theirs' },
  size: '1024x1024',
  quality: 'low',
  usage: undefined,
  ...more,
})
/** A settlement with a cost of zero. */
export const FAILED = settled({ failure: 'upstream_failed', cost: 0, images: [] })

export const LIMITS = { budget_usd: 1, images_per_day: 10, concurrency: 5 }
/** Reserves money of the team `acme`, as a generation does. */
export const reserve = (order: Order): Promise<unknown> => env.TEAMS.getByName('acme').reserve(order, false)
export const settle = (settlement: Settlement): Promise<unknown> => env.TEAMS.getByName('acme').settle(settlement)

export interface Balance {
  money: number
  images: number
  running: number
  statuses: string[]
}

/** The accounting of the team: micro-USD spent or held, pictures of the day, running generations, and entries. */
export const balance = async (): Promise<Balance> => ({
  money: await used('acme'),
  images: (await limitStatus('acme', 'images_per_day')).used,
  running: (await limitStatus('acme', 'concurrency')).used,
  statuses: (await audit('acme')).map(({ status }) => status),
})

export const EMPTY: Balance = { money: 0, images: 0, running: 0, statuses: [] }
