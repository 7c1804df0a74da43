import { failed } from '../failures/errors'
import type { BreakableEffect, EventOf, GenerationEffect, GenerationEvent } from './events'
import { newRun, nextAttempt } from './attempts'
import { abandon, dismiss, made, next, settled, tell } from './endings'
import { CANCELLED, FAILED } from './failures'
import { type At, begin, leavePlace, offer, order, type Rules } from './orders'
import { isAwaited, isWantedBy, nextDemand, type Phase, type Run, type State, type Subscriber } from './state'
import { tidy } from './leavers'
import type { Task } from './task'
import { placeBroken, withdrawPlace } from './places'
import { orderAnswered, turnCame, withdrawn } from './turns'

/**
 * The next state of a generation, and the effects to bring about once it is stored. A late event of an earlier run or
 * order changes nothing.
 */
export function transition(
  state: State,
  event: GenerationEvent,
  rules: Rules,
): { state: State; effects: readonly GenerationEffect[] } {
  const effects: GenerationEffect[] = []
  const at: At = { ...rules, emit: (effect) => void effects.push(effect) }
  const reacted = react(state, event, at)
  // A late event changes nothing. The alarm also finds what a dead process left.
  const isLate = reacted === state && effects.length === 0 && event.is !== 'rang'
  return { state: isLate ? state : tidy(reacted, at), effects }
}

function react(state: State, event: GenerationEvent, at: At): State {
  switch (event.is) {
    case 'asked':
      return asked(state, event, at)
    case 'answered':
      return orderAnswered(state, event, at)
    case 'turnCame':
      return turnCame(state, event, at)
    case 'withdrawn':
      return withdrawn(state, event, at)
    case 'progressed':
      return progressed(state, event)
    case 'made':
      return made(state, event, at)
    case 'settled':
      return settled(state, event, at)
    case 'cancelled':
      return cancelled(state, event.team, at)
    case 'left':
      return left(state, event)
    case 'broke':
      return broke(state, event, at)
    case 'recovered':
      return recovered(state, event.forRequest, at)
    case 'rang':
      return rang(recovered(state, false, at), at)
  }
}

/** A request begins a run, joins one, or has a place of its own beside a queued one. */
function asked(state: State, { task, subscribers }: EventOf<'asked'>, at: At): State {
  const replaced = subscribers.map(({ id }) => id)
  const others = state.subscribers.filter(({ id }) => !replaced.includes(id))
  const joined = { ...state, subscribers: [...others, ...subscribers] }
  if (joined.phase.is === 'idle') return begin(joined, newRun(task, at), at, { reports: true })
  return joined.phase.is === 'queued' ? offer(joined, task, at) : joined
}

function progressed(state: State, { run: id, progress }: EventOf<'progressed'>): State {
  const { phase } = state
  if (phase.is !== 'generating' || phase.run.id !== id) return state
  return { ...state, phase: { ...phase, run: { ...phase.run, progress } } }
}

/** A run of the team is stopped as far as it can be. The part in another team's run ends at once. */
function cancelled(state: State, team: string, at: At): State {
  const { phase, places } = state
  if (!('run' in phase) || phase.run.task.payer.team !== team) return partCancelled(state, team, at)
  switch (phase.is) {
    case 'reserving':
      return { ...state, phase: { ...phase, isCancelled: true } }
    case 'ending':
      return state
    case 'generating':
      at.emit({ do: 'stop', failure: CANCELLED })
      return { ...state, phase: { ...phase, isCancelled: true } }
    case 'queued': {
      if (!phase.isReasked) at.emit({ do: 'withdraw', order: phase.run })
      const left = places.map((place) => (place.task.payer.team === team ? leavePlace(place, at) : place))
      return { ...state, places: left, phase: { ...phase, leaving: 'cancelled' } }
    }
  }
}

/** Ends the job of a team, and withdraws the places that nothing waits for any more. */
function partCancelled(state: State, team: string, at: At): State {
  const dismissed = dismiss(state, team, at)
  const isLeft = ({ payer }: Task): boolean => payer.team === team && !isWantedBy(dismissed, payer)
  if (dismissed === state) return state
  return { ...dismissed, places: dismissed.places.map((place) => (isLeft(place.task) ? leavePlace(place, at) : place)) }
}

/** Clients leave while the run waits for its turn; a run that has begun is finished for them. */
function left(state: State, { client, failure }: EventOf<'left'>): State {
  const isMeant = ({ kind, id, task }: Subscriber): boolean =>
    kind === 'client' && ('id' in client ? id === client.id : task.requestId === client.request)
  const leaving = (each: Subscriber): Subscriber =>
    failure ? { ...each, leaving: failure } : { ...each, isOverdue: true, isPatient: false }
  const mayLeave = !failure || state.phase.is === 'reserving' || state.phase.is === 'queued'
  return mayLeave
    ? { ...state, subscribers: state.subscribers.map((each) => (isMeant(each) ? leaving(each) : each)) }
    : state
}

/** An error of the gateway has ended an effect. The alarm asks about a queued order again. */
function broke(state: State, { reservation, effect }: EventOf<'broke'>, at: At): State {
  const { phase } = state
  if (effect === 'withdraw') return withdrawn(state, { is: 'withdrawn', reservation, isOut: false }, at)
  const place = state.places.find((each) => each.reservation === reservation)
  if (place) return placeBroken(state, place, at)
  if (phase.is === 'settling') return settled(state, { is: 'settled', reservation, confirmed: undefined }, at)
  if (phase.is === 'idle' || phase.run.reservation !== reservation) return state
  if (phase.is === 'queued') return askBroken(state, phase, at)
  return effect === EFFECT_OF[phase.is] ? runBroken(state, phase.run, at) : state
}

/** A queued run goes on to wait, or is withdrawn now. */
function askBroken(state: State, phase: Extract<Phase, { is: 'queued' }>, { emit }: At): State {
  if (phase.leaving) emit({ do: 'withdraw', order: phase.run })
  return { ...state, phase: { ...phase, isReasked: false } }
}

/** The effect that is under way in a phase. */
const EFFECT_OF: Partial<Record<Phase['is'], BreakableEffect>> = {
  reserving: 'reserve',
  generating: 'generate',
  ending: 'abandon',
}

/** The clients of a run fail, and the alarm looks after it. The error counts as an attempt: it may come again. */
function runBroken(state: State, run: Run, at: At): State {
  at.emit({ do: 'report', request: run.task.requestId, refusal: FAILED })
  const ended = { made: failed(FAILED) }
  at.emit({ do: 'close', ended })
  const phase: Phase = { is: 'reserving', run: { ...run, attempt: run.attempt + 1 }, isInHand: false }
  const clients = state.subscribers.filter(({ kind }) => kind === 'client')
  return tell({ ...state, phase }, clients, ended, at)
}

/** A run without a process is resumed, or ends with its stored images. Left demand begins the next run. */
function recovered(state: State, forRequest: boolean, at: At): State {
  const { phase } = state
  switch (phase.is) {
    case 'idle':
      return nextDemand(state) ? next(state, at) : state
    case 'queued':
    case 'generating':
    case 'ending':
      return state
    case 'settling': {
      if (phase.isInHand) return state
      at.emit({ do: 'settle', pending: phase.pending })
      return { ...state, phase: { ...phase, isInHand: true } }
    }
    case 'reserving': {
      if (phase.isInHand) return state
      const again = nextAttempt(phase.run, forRequest || phase.run.task.shared || isAwaited(state), at)
      return again ? begin(state, again, at) : abandon(state, phase.run, undefined, at)
    }
  }
}

/** Asks the teams for the turns of a queued run, in case their calls were lost, and withdraws leaving places. */
function rang(state: State, at: At): State {
  const { phase } = state
  const left = state.places.filter(({ stands }) => stands.is === 'leaving' && stands.awaits === 'alarm')
  const withdrawing = left.reduce<State>((before, place) => withdrawPlace(before, place, at), state)
  if (phase.is !== 'queued' || phase.leaving) return withdrawing
  const places = withdrawing.places.map((place) => {
    if (place.stands.is !== 'waiting' || place.stands.isReasked) return place
    order(place, true, at)
    return { ...place, stands: { ...place.stands, isReasked: true } as const }
  })
  const isWanted = at.finishesAbandoned || isWantedBy(state, phase.run.task.payer)
  const isDue = !phase.isReasked && isWanted
  if (isDue) order(phase.run, true, at)
  const asked: State = { ...state, places, phase: isDue ? { ...phase, isReasked: true } : phase }
  const jobs = state.subscribers.filter(({ kind }) => kind === 'job')
  return jobs.reduce<State>((offered, { task }) => offer(offered, task, at), asked)
}
