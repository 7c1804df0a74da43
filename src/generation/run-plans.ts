import { configOf } from '../config'
import type { RunRow } from './generation-store'
import { planRun, type RunPlan } from './run-plan'

/** Keeps the plan of the current run, which its order and its calls share. A new process works it out anew. */
export class RunPlans {
  readonly #env: Env
  #newest: { reservation: string; plan: RunPlan } | undefined

  constructor(env: Env) {
    this.#env = env
  }

  of({ reservation, task, createdMs }: RunRow): RunPlan {
    if (this.#newest?.reservation !== reservation)
      this.#newest = { reservation, plan: planRun(task, configOf(this.#env), createdMs) }
    return this.#newest.plan
  }
}
