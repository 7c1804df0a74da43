import * as z from 'zod'

export const jobFormSchema = z.object({
  /** The id of the dialect of its request. */
  dialect: z.string(),
  /** The wishes that the dialect noted for the wording, as JSON. */
  wants: z.string(),
})
/** The wording of a job's result. */
export type JobForm = z.infer<typeof jobFormSchema>
