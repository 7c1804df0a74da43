import { type Failure, GatewayError, failed, ok } from '../failures/errors'
import { describe, log } from '../runtime/log'
import type { ImageRecord } from '../image/record'
import { StoreError } from '../store/retries'
import type { FittedCandidate } from '../upstreams/route-plan'
import { Route } from '../upstreams/route'
import { FAILED } from './failures'
import { FanOut, type Resumed } from './fan-out'
import { end, type Progress, recordOf, resumable, upstreamOfCall } from './progress'
import { endCalls, candidateOfCall, freeSlots, lossesIn } from './recovery'
import type { RunContext } from './run-context'
import { spendingOf } from './spending'
import type { RunOutcome } from './outcome'
import { callerOf } from './task'

/**
 * Makes the images of a task: calls upstreams and stores their images. Some images are better than none. Never throws.
 */
export async function makeImages(run: RunContext): Promise<RunOutcome> {
  const { task, config, before, plan } = run
  const progress: Progress = {
    ...before,
    images: [...(before?.images ?? [])],
    calls: before?.calls.map((call) => ({ ...call })) ?? [],
  }
  const resumed = await resumableCalls(run, progress)
  const route = routeOf(run, progress)
  const fill = new FanOut(run, route, progress, plan.fewestPerCall)
  const recorded = (): ImageRecord => {
    const { cost } = spendingOf(progress, task, config)
    return recordOf(task, progress, { nowMs: Date.now(), route: route.steps, cost })
  }
  let made: RunOutcome['made']
  try {
    const failure = await fill.fill(resumed)
    made = hasSome(progress) ? ok(recorded()) : failed(afterLosses(failure ?? FAILED, progress))
  } catch (error) {
    const { id: generation, requestId: request } = task
    if (!run.cancel.aborted) log('run-failed', { generation, request, ...describe(error) })
    // Stored images are paid for.
    made =
      hasSome(progress) && !run.cancel.aborted ? ok(recorded()) : failed(afterLosses(runFailureOf(error), progress))
  }
  const last = progress.calls.at(-1)
  const spending = spendingOf(progress, task, config)
  // The upstream charges for images that arrived before a cancellation.
  const arrived = !made.ok && made.failure.code === 'cancelled' && hasSome(progress) ? recorded() : undefined
  const { steps } = route
  return { made, attempts: progress.calls.length, last: last && upstreamOfCall(last), route: steps, spending, arrived }
}

/** After a call that may be billed, a retry by the client's own would buy again. */
const afterLosses = (failure: Failure, { calls }: Progress): Failure =>
  calls.some(({ ending }) => ending?.is === 'lost') ? { ...failure, retry: false } : failure

const hasSome = ({ images }: Progress): boolean => images.some(Boolean)

const routeOf = (run: RunContext, progress: Progress): Route<FittedCandidate> =>
  new Route({
    accounts: run.env.ACCOUNTS,
    candidates: run.plan.candidates,
    distance: ({ adjustments }) => adjustments.length,
    source: callerOf(run.task),
    id: `${run.task.id}/${run.id}`,
    untilMs: Date.now() + run.patienceMs + run.plan.startWindowMs,
    patienceMs: run.patienceMs,
    waitsOutCooldown: run.isJob,
    ahead: run.ahead,
    before: run.before?.route,
    lostBefore: lossesIn(progress, run.plan.candidates),
    cancel: run.cancel,
    onFailure: ({ upstream: { name, account } }, { kind, message, facts }) => {
      const { id: generation, requestId: request } = run.task
      const failure = { kind, message, status: facts.status, upstreamRequest: facts.requestId }
      log('attempt-failed', { generation, request, upstream: name, account, ...failure })
    },
  })

/**
 * The calls of an earlier process that can be resumed; all others end, and their slots are freed. Each of those may be
 * billed.
 */
async function resumableCalls(run: RunContext, progress: Progress): Promise<Resumed[]> {
  const { candidates } = run.plan
  const going = resumable(progress).map(({ seat }) => seat)
  const calls = progress.calls.filter(({ isOver }) => !isOver)
  const resumed = calls.flatMap((call) => {
    const candidate = going.includes(call.seat) ? candidateOfCall(call, candidates) : undefined
    return candidate ? [{ slot: { candidate, id: call.seat, sinceMs: call.startedMs }, call }] : []
  })
  const others = calls.filter((call) => !resumed.some((each) => each.call === call))
  await freeSlots(run, others)
  await endCalls(run, others, progress)
  for (const call of others) end(call, progress)
  for (const { call } of resumed) delete call.isCounted
  // Another death while the run waits for a slot is none of the ended calls'.
  if (calls.length > 0) run.save(progress)
  return resumed
}

function runFailureOf(error: unknown): Failure {
  if (error instanceof GatewayError) return error.failure
  return error instanceof StoreError ? NOT_STORED : FAILED
}

/** The image may be paid for, so the caller decides about another try. */
const NOT_STORED: Failure = {
  code: 'unavailable',
  message: 'The gateway could not store the image. Try again in a moment.',
  retry: false,
}
