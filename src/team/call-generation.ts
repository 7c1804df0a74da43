import type { Failure } from '../failures/errors'
import type { Order } from '../ledger/entry'
import { callObject } from '../runtime/call-object'

/** Notifies the Generation object of an order after its turn; false if the run is no longer wanted. */
export const callGeneration =
  ({ GENERATIONS }: Pick<Env, 'GENERATIONS'>) =>
  ({ generation, id }: Order, refusal: Failure | undefined): Promise<boolean> =>
    callObject(async () => await GENERATIONS.getByName(generation).turn(id, refusal))
