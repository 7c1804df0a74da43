import * as z from 'zod'
import type { ErrorReport } from './error-report'

const faultSchema = z.object({
  /** The place of the fault, as `['body', 'width']`. */
  loc: z.array(z.unknown()).catch([]),
  msg: z.string().optional(),
  type: z.string().optional(),
})
type ValidationFault = z.infer<typeof faultSchema>

/** The `detail` of an error body of a FastAPI service: a sentence, or a list of faults in the request. */
export const validationDetail = z.union([z.string(), z.array(faultSchema)])

/** The message and the parameter of a fault. The parameter is the name behind `body`. */
export function reportOfFault(fault: ValidationFault | undefined): Pick<ErrorReport, 'message' | 'param'> {
  const param = fault?.loc[1]
  return { message: fault?.msg, param: typeof param === 'string' ? param : undefined }
}
