/** The wording of a job's result. */
export interface JobForm {
  /** The id of the dialect of its request. */
  dialect: string
  /** The wishes that the dialect noted for the wording, as JSON. */
  wants: string
}
