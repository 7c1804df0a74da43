import * as z from 'zod'
import { jobFormSchema } from '../../dialects/job-form'
import { snapshotSchema } from '../../ledger/snapshot'
import type { Subscriber } from '../state'
import type { Task } from '../task'
import { storedTask } from './task-rows'

/** The prefixes of the rows of jobs and URLs. */
export const [JOB, HOOK] = ['job:', 'hook:']

export const jobRow = jobFormSchema.extend({
  task: storedTask,
  /** The id of the event for the team's webhook. */
  event: z.string(),
  createdMs: z.number(),
  ended: z.object({ snapshot: snapshotSchema, untilMs: z.number() }).exactOptional(),
})
/** A team's job and its end, which lasts until `untilMs`, in ms since 1970. */
export type Job = Omit<z.infer<typeof jobRow>, 'task'> & { task: Task }

export const hookRow = z.object({
  event: z.string(),
  url: z.string(),
  /** The wording of the event; missing for the gateway's own. */
  form: jobFormSchema.optional(),
  task: storedTask,
  createdMs: z.number(),
  /** Whether the request became a job. */
  isHandedOff: z.boolean(),
})
/** A webhook URL that one request named. */
export type StoredHook = Omit<z.infer<typeof hookRow>, 'task'> & { task: Task }

/** A job as a subscriber of the state. */
export const subscriberOfJob = ({ task }: Job): Subscriber => ({
  kind: 'job',
  id: JOB + task.payer.team,
  task,
  isPatient: true,
  isHandedOff: true,
})

/** A webhook URL as a subscriber of the state. */
export const subscriberOfHook = ({ task, event, isHandedOff }: StoredHook): Subscriber => ({
  kind: 'hook',
  id: HOOK + event,
  task,
  isPatient: false,
  isHandedOff,
})
