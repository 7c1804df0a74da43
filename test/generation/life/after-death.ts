import type { Phase, State } from '../../../src/generation/state'

/**
 * The state after the death of its process: the next one starts with it. Clients are gone, and calls in hand are not
 * known. A place without its team's answer is withdrawn.
 */
export function afterDeath({ phase, places, subscribers }: State): State {
  return {
    phase: phaseAfterDeath(phase),
    places: places.map((place) =>
      place.stands.is === 'waiting'
        ? { ...place, stands: { is: 'waiting', instead: place.stands.instead } }
        : { ...place, stands: { is: 'leaving', awaits: 'alarm' } },
    ),
    subscribers: subscribers.filter(({ kind }) => kind !== 'client'),
  }
}

function phaseAfterDeath(phase: Phase): Phase {
  switch (phase.is) {
    case 'idle':
      return phase
    case 'reserving':
    case 'generating':
    case 'ending':
      return { is: 'reserving', run: phase.run, isInHand: false }
    case 'queued':
      return { is: 'queued', run: phase.run, instead: phase.instead }
    case 'settling':
      return { is: 'settling', pending: phase.pending, isInHand: false }
  }
}
