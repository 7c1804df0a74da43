import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import * as fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import type { PageFilter } from '../../src/ledger/page'
import { ArchivedTeam, type Death, type StoredRun } from '../support/archived-team'
import { full } from '../support/full'
import { NOON } from '../support/orders'
import { endAtOnce } from '../support/quick-pauses'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const DAY = 86_400_000

const anyOf = <Item>(...items: Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)
const GENERATIONS = ['gen_1', 'gen_2', 'txt_1']

const storedRun: fc.Arbitrary<StoredRun> = fc.record({
  afterMs: anyOf(0, 0, 1, DAY / 2, 3 * DAY),
  key: anyOf('key_a', 'key_b'),
  generation: anyOf(...GENERATIONS),
  operation: anyOf('generate', 'generate', 'text'),
  end: anyOf<StoredRun['end']>('succeeded', 'succeeded', 'succeeded', 'failed', 'expired', 'expired', 'running'),
  images: fc.nat(2),
})

/** Few runs, so that several events meet one file. */
const run = fc.nat(4)

/** One thing that happens to a ledger with an archive. */
type Event =
  | { is: 'step'; death: Death | undefined; deleted: number | undefined }
  | { is: 'discard'; run: number; images: number }
  | { is: 'settle'; run: number }
  | { is: 'time'; days: number }
  | { is: 'retain' | 'archive' }

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    is: anyOf('step' as const),
    death: anyOf<Death | undefined>(undefined, undefined, 'before the file', 'after the file', 'amid the rows'),
    deleted: fc.option(run, { nil: undefined }),
  }),
  fc.record({ is: anyOf('discard' as const), run, images: fc.nat(2) }),
  fc.record({ is: anyOf('settle' as const), run }),
  fc.record({ is: anyOf('time' as const), days: anyOf(1, 8) }),
  fc.record({ is: anyOf('retain' as const, 'archive' as const, 'archive' as const) }),
)

const filter: fc.Arbitrary<PageFilter> = fc.oneof(
  fc.record({
    generation: anyOf(undefined, undefined, ...GENERATIONS),
    image: anyOf(undefined, undefined, undefined, 'images/gen_1/run000-0.png', 'images/gen_2/run001-1.png'),
    key: anyOf(undefined, 'key_a'),
    from: anyOf(undefined, NOON + 3 * DAY, NOON + 30 * DAY),
    to: anyOf(undefined, NOON + 20 * DAY, NOON + 60 * DAY + 1),
    deleted: fc.boolean(),
  }),
  fc.record({ key: anyOf(undefined, 'key_b'), pictured: fc.constant(true) }),
)

async function take(played: ArchivedTeam, taken: Event): Promise<void> {
  if (taken.is === 'time') played.nowMs += taken.days * DAY
  if (taken.is === 'discard') played.discard(taken.run, taken.images)
  if (taken.is === 'settle') played.settle(taken.run)
  if (taken.is === 'archive') await played.archive()
  if (taken.is === 'retain') await played.retain(played.nowMs - 30 * DAY)
  if (taken.is === 'step') {
    const { death, deleted } = taken
    await played.step({ death, meanwhile: () => deleted !== undefined && played.discard(deleted, 2) })
  }
}

const costOf = (entries: readonly { cost: number | null; status: string }[]): number =>
  entries.reduce((sum, { cost, status }) => sum + (status === 'running' ? 0 : (cost ?? 0)), 0)

beforeEach(async () => {
  endAtOnce(200, 400, 800)
  await team('acme')
})

test('pages over ledger and archive are those of the whole ledger, whatever dies or is deleted in between', async () => {
  await runInDurableObject(env.TEAMS.getByName('acme'), async (_, { storage }) => {
    const runs = fc.array(storedRun, { minLength: 12, maxLength: 24 })
    const events = fc.array(fc.tuple(event, filter, anyOf(2, 5, 1000)), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(runs, fc.boolean(), anyOf(0, 8, 40), events, async (stored, isFirst, days, happening) => {
        const { objects } = await env.IMAGES.list({ prefix: 'ledger/' })
        await env.IMAGES.delete(objects.map(({ key }) => key))
        const played = new ArchivedTeam(storage, NOON, 3)
        played.run(stored)
        await take(played, { is: 'time', days })
        if (isFirst) await take(played, { is: 'archive' })
        for (const [each, conditions, limit] of happening) {
          await take(played, each)
          const { paged, listed } = await played.compared(conditions, limit)
          expect(paged).toEqual(listed)
        }
        await played.archive()
        const { paged, listed } = await played.compared({ deleted: true }, 3)
        expect(paged).toEqual(listed)
        const { rows } = played.accounting.usage.of({ from: '2096-01-01', to: '2099-01-01' })
        expect(rows.reduce((sum, { cost }) => sum + cost, 0)).toBe(costOf(paged))
        expect(await played.deletedPrompts()).toEqual([])
      }),
      { numRuns: full ? 1000 : 50 },
    )
  })
})
