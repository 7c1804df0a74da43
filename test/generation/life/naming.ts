import type { GenerationEffect, GenerationEvent } from '../../../src/generation/events'
import type { State } from '../../../src/generation/state'

/** The reservations that a state knows. */
export const reservationsOf = ({ phase, places }: State): string[] => [
  ...('run' in phase ? [phase.run.reservation] : []),
  ...(phase.is === 'settling' ? [phase.pending.settlement.id] : []),
  ...places.map(({ reservation }) => reservation),
]

/** The reservation that an effect names. */
export function reservationIn(effect: GenerationEffect): string | undefined {
  if ('order' in effect) return effect.order.reservation
  if ('pending' in effect) return effect.pending.settlement.id
  return 'run' in effect ? effect.run.reservation : undefined
}

/** Whether an effect is a call to a team. */
export const isForTeam = ({ do: kind }: GenerationEffect): boolean =>
  kind === 'reserve' || kind === 'withdraw' || kind === 'settle'

/** The event of an effect that ends by an error of the gateway; undefined for an effect without an answer. */
export function brokenBy(effect: GenerationEffect): GenerationEvent | undefined {
  switch (effect.do) {
    case 'reserve':
    case 'withdraw':
      return { is: 'broke', reservation: effect.order.reservation, effect: effect.do }
    case 'generate':
    case 'abandon':
      return { is: 'broke', reservation: effect.run.reservation, effect: effect.do }
    case 'settle':
      return { is: 'broke', reservation: effect.pending.settlement.id, effect: effect.do }
    default:
      return undefined
  }
}
