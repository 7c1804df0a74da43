import type { Context } from 'hono'
import type { App } from '../context'
import type { Dialect, HandOff } from '../dialects/dialect'
import { type Occasion, occasionOf } from '../dialects/render-context'
import type { Obtained } from '../generation/task'
import type { Told } from './headers'

/** A request that is let in and understood, and how its answer is worded. */
export interface Errand<Wants> {
  c: Context<App>
  dialect: Dialect<Wants>
  wants: Wants
  told: Told
  /** Set where its body asks for nothing but word of its generation. */
  handOff: HandOff | undefined
  /** Whether the near copy of an answer will do, of which its generation hears nothing. */
  isNearEnough: boolean
  /** Is told of the answer as soon as it is there. */
  count: (answer: Obtained) => void
}

/** What its dialect may know of it. */
export function occasionOfErrand<Wants>({ c, told: { ask, requestId, startedMs } }: Errand<Wants>): Occasion {
  const { id: generation, payer } = ask.task
  return occasionOf({ team: payer.team, generation, requestId, startedMs }, c)
}
