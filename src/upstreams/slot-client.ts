import { ProviderError } from '../providers/provider'
import { withDeadline } from '../runtime/deadline'
import type { SlotRequest, TakenSlot } from './account'
import { accountIdOf, enter, leave } from './accounts'
import type { Candidate } from './candidates'
import type { CallOutcome, Unavailability } from './health'
import { forgetHealth } from './known-health'
import type { Cause, FailedRequest } from './trouble'

/** A slot that an account has granted to a request. */
export interface Slot<Served extends Candidate> {
  candidate: Served
  /** The id by which the account frees the slot. */
  id: string
  /** The moment when the slot was granted, in ms since 1970. */
  sinceMs: number
}

/** The time for a reply beyond the wait for a slot, in ms. */
const REACH_MS = 10_000
/** The life of a slot beyond the time of its call, in ms, for a process that has died. */
const SLOT_GRACE_MS = 60_000

type EntryTerms = Pick<SlotRequest, 'patienceMs' | 'isOnlyCandidate' | 'isResumed'>
/** The terms of a request that the upstream has already. */
const RESUMED_TERMS: EntryTerms = { patienceMs: 0, isOnlyCandidate: true, isResumed: true }

/** The request that takes and frees slots. */
export interface SlotClient {
  accounts: Env['ACCOUNTS']
  /** The payer and the request, by which accounts keep its outcomes. */
  source: FailedRequest
}

/** Takes a slot, or returns the reason for none; undefined if the signal ended the wait. Never throws. */
export async function takeSlot(
  client: SlotClient,
  slot: Slot<Candidate>,
  terms: EntryTerms,
  signal: AbortSignal,
): Promise<TakenSlot | Unavailability | undefined> {
  const entering = enterFor(client, slot, terms)
  try {
    const entered = await withDeadline(terms.patienceMs + REACH_MS, () => entering, signal)
    // The slot may have been granted, and only the reply was lost.
    if (entered.reason === 'unreachable') void freeSlot(client, slot, { is: 'cancelled' })
    if (!entered.reason && entered.isProvisional) await extendSlot(client, slot)
    return entered
  } catch {
    void withdrawEntry(client, slot, entering)
    return signal.aborted ? undefined : { reason: 'unreachable', untilMs: Date.now() }
  }
}

/** Takes a slot at a well account without a wait in its queue, while the call goes on. Never throws. */
export async function takeSlotMeanwhile(client: SlotClient, slot: Slot<Candidate>): Promise<void> {
  const terms = { patienceMs: 0, isOnlyCandidate: true }
  const entered = await withDeadline(REACH_MS, () => enterFor(client, slot, terms)).catch(() => undefined)
  // The call fails over if need be, and the next ones ask again.
  if (entered?.reason) forgetHealth(accountIdOf(slot.candidate.upstream), Date.now())
}

/** Extends a slot by its full time. Never throws. */
export async function extendSlot(client: SlotClient, slot: Slot<Candidate>): Promise<void> {
  await withDeadline(REACH_MS, () => enterFor(client, slot, RESUMED_TERMS)).catch(() => {})
}

/** Frees a slot and reports the outcome; `tookMs` is set for a served request alone. Never throws. */
export const freeSlot = (
  { accounts, source }: SlotClient,
  { candidate: { upstream, model }, id }: Slot<Candidate>,
  outcome: CallOutcome,
  tookMs?: number,
): Promise<void> => leave(accounts, upstream, { ...source, id, model }, outcome, tookMs)

/** Leaves the queue at once, and frees a slot that was granted meanwhile. */
async function withdrawEntry(
  client: SlotClient,
  slot: Slot<Candidate>,
  entering: ReturnType<typeof enter>,
): Promise<void> {
  await freeSlot(client, slot, { is: 'cancelled' })
  const { reason } = await entering
  if (!reason) await freeSlot(client, slot, { is: 'cancelled' })
}

function enterFor(
  { accounts, source }: SlotClient,
  { candidate: { upstream, model }, id }: Slot<Candidate>,
  terms: EntryTerms,
): ReturnType<typeof enter> {
  const holdMs = upstream.timeoutMs + SLOT_GRACE_MS
  return enter(accounts, upstream, { ...source, id, model, holdMs, ...terms })
}

/** The meaning of an error for the health of its account. */
export function outcomeOf(error: unknown): CallOutcome {
  if (!(error instanceof ProviderError)) return { is: 'cancelled' }
  const { kind, facts } = error
  if (facts.scope === 'request') return { is: 'cancelled' }
  const ofModel = facts.scope === 'model'
  switch (kind) {
    case 'rejected':
      return { is: 'served' }
    case 'throttled':
      return { is: 'throttled', retryAfterMs: facts.retryAfterMs, ofModel, group: facts.group }
    case 'lost':
    case 'unavailable':
      return { is: 'unavailable', cause: causeOf(facts) }
    case 'misconfigured':
      // The client made the model's name up.
      if (facts.failure) return { is: 'served' }
      return { is: 'misconfigured', ofModel, status: facts.status }
  }
}

function causeOf({ scope, isUnexplained }: ProviderError['facts']): Cause {
  if (scope === 'place') return 'misplaced'
  return isUnexplained ? 'forbidden' : 'failures'
}
