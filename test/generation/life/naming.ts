import type { GenerationEffect } from '../../../src/generation/events'
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
  return 'pending' in effect ? effect.pending.settlement.id : undefined
}

/** Whether an effect is a call to a team. */
export const isForTeam = ({ do: kind }: GenerationEffect): boolean =>
  kind === 'reserve' || kind === 'withdraw' || kind === 'settle'
