import type { GenerationEffect, GenerationEvent } from '../../../src/generation/events'
import type { SimulatedTeams } from './teams'
import { outcomeOf } from './upstream'

/** A call to another object or to upstreams, on its way. Its process brings about the next event. */
export interface Message {
  effect: GenerationEffect
  /** Takes the effect to its receiver; returns the event of the reply. */
  deliver: () => GenerationEvent
  /** The reply of a receiver that could not be reached, if it can be out of reach. */
  lose?: () => GenerationEvent
}

/** The call of an effect; undefined for one without an answer of others. */
export function messageOf(effect: GenerationEffect, teams: SimulatedTeams): Message | undefined {
  switch (effect.do) {
    case 'reserve': {
      const { order, couldWait } = effect
      const { reservation, task } = order
      const held = { is: 'answered', reservation, couldWait } as const
      const failure = { code: 'unavailable', message: 'Away.' } as const
      return {
        effect,
        deliver: () => ({ ...held, held: teams.reserve(reservation, task.payer.team, couldWait) }),
        lose: () => ({ ...held, held: { is: 'unreachable', failure } }),
      }
    }
    case 'withdraw': {
      const { reservation } = effect.order
      const replied = (isOut: boolean): GenerationEvent => ({ is: 'withdrawn', reservation, isOut })
      return { effect, deliver: () => replied(teams.withdraw(reservation)), lose: () => replied(false) }
    }
    case 'settle': {
      const { settlement } = effect.pending
      const settled = { is: 'settled', reservation: settlement.id } as const
      return {
        effect,
        deliver: () => {
          teams.settle(settlement)
          return { ...settled, confirmed: { webhook: false } }
        },
        lose: () => ({ ...settled, confirmed: undefined }),
      }
    }
    case 'abandon': {
      const { run, failure } = effect
      const { progress = { images: [], calls: [] } } = run
      const isFailed = failure?.code === 'cancelled' || !progress.images.some(Boolean)
      const outcome = outcomeOf(progress, isFailed, failure?.code)
      return { effect, deliver: () => ({ is: 'made', run: run.id, outcome, startedMs: undefined }) }
    }
    default:
      return undefined
  }
}
