import type { Context } from 'hono'
import type { App } from '../context'
import type { Dialect } from '../dialects/dialect'
import type { Obtained } from '../generation/task'
import type { Told } from './headers'

/** A request that is let in and understood, and how its answer is worded. */
export interface Errand<Wants> {
  c: Context<App>
  dialect: Dialect<Wants>
  wants: Wants
  told: Told
  /** Whether the near copy of an answer will do, of which its generation hears nothing. */
  isNearEnough: boolean
  /** Is told of the answer as soon as it is there. */
  count: (answer: Obtained) => void
}
