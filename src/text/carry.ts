import { pause } from '../runtime/deadline'
import { printable, UNBUFFERED } from '../delivery/headers'
import { limitHeaders } from '../wire/limit-headers'
import { GatewayError } from '../runtime/errors'
import type { PendingSettlement } from '../generation/generation-store'
import { reserve, settle, TEAM_UNREACHABLE } from '../generation/payment'
import type { Order, Settlement } from '../ledger/entry'
import { type Asked, askInTurn, type Begun } from './attempts'
import { type Bill, billOf, brokenOff, orderOf, unbegun } from './bill'
import { passBack } from './pass-back'
import { Patience } from './patience'
import type { Visitor, Wanted } from './wanted'

type Outcome = Omit<Settlement, 'id' | 'images'>

/** What is settled where something goes wrong that nobody foresaw. */
const UNFINISHED: Outcome = { failure: 'internal', cost: 0, attempts: 0, upstream: undefined }

/**
 * Carries a request to its upstream and the answer back, from holding its money to settling it; `begin` is told of the
 * answer as soon as that begins. Throws GatewayError where it does not.
 */
export async function carry(wanted: Wanted, visitor: Visitor, begin: (answer: Response) => void): Promise<void> {
  const { c, admission } = visitor
  const { payer } = admission
  const requestId = c.get('requestId')
  const order = orderOf(wanted, payer, requestId)
  const settleAs = (outcome: Outcome): Promise<void> =>
    settled(c.env, { team: payer.team, settlement: { id: order.id, images: [], ...outcome } })
  const held = await reserve(c.env, { payer }, order, false)
  if (!held.ok) {
    // Nobody knows whether the money is held then.
    if (held.failure === TEAM_UNREACHABLE) await settleAs(UNFINISHED)
    throw new GatewayError(held.failure)
  }
  const patience = new Patience(c.req.raw.signal)
  const letGo = holdOn(order, visitor)
  let outcome = UNFINISHED
  let over: Asked['ended'] = async () => ''
  let isBroken = false
  try {
    const routed = { accounts: c.env.ACCOUNTS, requestId, patienceMs: c.get('config').queueWaitMs }
    const { made, attempts, candidate, last, ended } = await askInTurn(wanted, routed, patience.signal)
    const asked = { attempts, upstream: last }
    over = ended
    outcome = { ...UNFINISHED, ...asked, ...(made.ok ? {} : unbegun(made.failure, wanted, candidate)) }
    if (!made.ok) throw new GatewayError(made.failure)
    const { bill, ...came } = await answerWith(made.value, wanted, visitor, patience, begin)
    isBroken = came.isBroken
    outcome = { ...asked, ...bill }
  } finally {
    patience.end()
    const [route] = await Promise.all([over(isBroken), letGo()])
    await settleAs({ ...outcome, route })
  }
}

/** Has the money held for as long as its client takes to read; gives back what ends that. */
function holdOn(order: Order, { c, admission: { payer } }: Visitor): () => Promise<void> {
  let asked: Promise<unknown> | undefined
  const timer = setInterval(() => void (asked = reserve(c.env, { payer }, order, false)), order.holdMs / 2)
  return async () => {
    clearInterval(timer)
    await asked
  }
}

/** How long a team is let be that could not be reached, in ms: once its reservation has expired, the tokens are lost. */
const PAUSES_MS = [500, 2000]

async function settled(env: Env, pending: PendingSettlement): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    if (await settle(env, pending)) return
    await pause(pauseMs)
  }
  await settle(env, pending)
}

/** Has the client answered, and tells what the answer costs once it has ended, for good or ill, and whether it broke off. */
async function answerWith(
  { answer, candidate }: Begun,
  wanted: Wanted,
  visitor: Visitor,
  patience: Patience,
  begin: (answer: Response) => void,
): Promise<{ bill: Bill; isBroken: boolean }> {
  const { readable, writable } = new IdentityTransformStream()
  begin(new Response(readable, { status: answer.status, headers: headersOf({ answer, candidate }, visitor) }))
  try {
    const metered = await patience.wait(passBack(answer, writable, patience.gone))
    return { bill: billOf(metered, wanted, candidate), isBroken: false }
  } catch {
    const isCancelled = patience.signal.aborted
    return { bill: brokenOff(isCancelled, wanted, candidate), isBroken: !isCancelled }
  }
}

/** None of them is the upstream's but what it says of the content. */
const headersOf = (
  { answer: { contentType }, candidate: { upstream, model } }: Begun,
  { c, admission, startedMs }: Visitor,
): Record<string, string> => ({
  'x-request-id': c.get('requestId'),
  'x-upstream': upstream.name,
  'x-model': printable(model),
  'server-timing': `begun;dur=${Date.now() - startedMs}`,
  ...limitHeaders(admission.limitStatuses),
  ...UNBUFFERED,
  ...(contentType === undefined ? {} : { 'content-type': contentType }),
})
