import { printable, UNBUFFERED } from '../delivery/headers'
import { limitHeaders } from '../wire/limit-headers'
import { GatewayError } from '../failures/errors'
import { settle } from '../generation/effects/settle'
import { settleLater } from '../generation/generations'
import type { PendingSettlement } from '../generation/outcome'
import type { Settlement } from '../ledger/entry'
import { type TextAttempts, tryInTurn, type StartedAnswer } from './attempts'
import { type Bill, billOfAnswer, billOfBroken, textOrder, withLosses } from './bill'
import { passBack } from './pass-back'
import { DisconnectGrace } from './disconnect-grace'
import { TextLease } from './lease'
import type { TextCaller, TextPlan } from './plan'

type TextOutcome = Omit<Settlement, 'id' | 'images'>

/** The settlement after an unforeseen error. */
const UNFORESEEN: TextOutcome = { failure: 'internal', cost: 0, attempts: 0, upstream: undefined }

/**
 * Runs a request for a text: reserves its money, calls the upstreams, passes the answer back and settles.
 * `respond` receives the response as soon as the answer starts. Throws GatewayError if no answer starts.
 */
export async function runText(plan: TextPlan, caller: TextCaller, respond: (answer: Response) => void): Promise<void> {
  const { c, admission } = caller
  const { payer } = admission
  const requestId = c.get('requestId')
  const order = textOrder(plan, payer, requestId)
  const settleAs = (outcome: TextOutcome): Promise<void> =>
    settleOrLater(c.env, order.generation, { team: payer.team, settlement: { id: order.id, images: [], ...outcome } })
  const lease = new TextLease(c.env, payer, order)
  const held = await lease.take()
  if (held.is !== 'reserved') {
    // The team may have reserved the money all the same.
    if (held.is === 'unreachable') c.executionCtx.waitUntil(settleAs(UNFORESEEN))
    throw new GatewayError(held.is === 'queued' ? held.instead : held.failure)
  }
  const grace = new DisconnectGrace(c.req.raw.signal)
  let outcome = UNFORESEEN
  let finishRoute: TextAttempts['finish'] = async () => ''
  let isBroken = false
  try {
    const options = {
      accounts: c.env.ACCOUNTS,
      requestId,
      team: payer.team,
      patienceMs: c.get('config').queueWaitMs,
      onAsk: () => lease.asked(),
    }
    const { started, unforeseen, attempts, servedBy, losses, finish } = await tryInTurn(plan, options, grace.signal)
    const billed = (bill: Bill): TextOutcome => ({ attempts, upstream: servedBy, ...withLosses(bill, losses, plan) })
    finishRoute = finish
    outcome = billed({ failure: started.ok ? 'internal' : started.failure.code, cost: 0 })
    if (!started.ok) throw unforeseen ? unforeseen.error : new GatewayError(started.failure)
    const streamed = await streamAnswer(started.value, plan, caller, grace, respond)
    isBroken = streamed.isBroken
    outcome = billed(streamed.bill)
  } finally {
    grace.end()
    const [route] = await Promise.all([finishRoute(isBroken), lease.end()])
    await settleAs({ ...outcome, route })
  }
}

/** Settles with the team. Without its confirmation, an object settles later: it outlives this Worker. */
async function settleOrLater(env: Env, generation: string, pending: PendingSettlement): Promise<void> {
  const isSettled = await settle(env, pending)
  if (!isSettled) await settleLater(env.GENERATIONS, generation, pending)
}

/** Passes an answer to the client. Returns its bill, and whether the upstream broke it off. */
async function streamAnswer(
  { answer, candidate }: StartedAnswer,
  plan: TextPlan,
  caller: TextCaller,
  grace: DisconnectGrace,
  respond: (answer: Response) => void,
): Promise<{ bill: Bill; isBroken: boolean }> {
  const { readable, writable } = new IdentityTransformStream()
  respond(new Response(readable, { status: answer.status, headers: textHeaders({ answer, candidate }, caller) }))
  try {
    const metered = await grace.wait(passBack(answer, writable, grace))
    return { bill: billOfAnswer(metered, plan, candidate), isBroken: false }
  } catch {
    const isCancelled = grace.signal.aborted
    return { bill: billOfBroken(isCancelled, plan, candidate), isBroken: !isCancelled }
  }
}

/** The response headers; only the content type comes from the upstream. */
const textHeaders = (
  { answer: { contentType }, candidate: { upstream, model } }: StartedAnswer,
  { c, admission, startedMs }: TextCaller,
): Record<string, string> => ({
  'x-request-id': c.get('requestId'),
  'x-upstream': upstream.name,
  'x-model': printable(model),
  'server-timing': `begun;dur=${Date.now() - startedMs}`,
  ...limitHeaders(admission.limitStatuses),
  ...UNBUFFERED,
  ...(contentType === undefined ? {} : { 'content-type': contentType }),
})
