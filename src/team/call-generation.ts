import { callObject } from '../runtime/call-object'
import type { CalledOrder } from './order-queue'

/** Notifies the Generation object of an order after its turn; false if the run is no longer wanted. */
export const callGeneration =
  ({ GENERATIONS }: Pick<Env, 'GENERATIONS'>) =>
  ({ order: { generation, id }, verdict }: CalledOrder): Promise<boolean> =>
    callObject(async () => await GENERATIONS.getByName(generation).turn(id, verdict.refusal))
