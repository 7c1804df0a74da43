import type { Context, Handler } from 'hono'
import * as z from 'zod'
import { authenticate } from '../http/authenticate'
import { checked } from '../refusals/checked'
import { type App, linkOf } from '../context'
import { failureResponse } from '../delivery/failure-response'
import { progressOf, retryHeaders } from '../delivery/job-status'
import { unknownParameter } from '../refusals/parameters'
import { API, DRAW, taskOf, type TaskWording } from '../dialects/grsai/task'
import { Intake } from '../dialects/intake'
import { readJsonBody } from '../dialects/json-body'
import { statusOf } from './generations/status'

/*
 * How the tasks of GrsAI's clients stand, which are generations (protocols §5).
 */

const body = z.object({ id: z.string() })

/** Tells how a task stands, in the words of its generation of the API, as failures are. */
const shown = (words: TaskWording, idIn: (c: Context<App>, team: string) => Promise<string> | string): Handler<App> =>
  async function showTask(c) {
    try {
      const { team } = await authenticate(c)
      const { status } = await statusOf(c, team, await idIn(c, team))
      const { snapshot, found } = status
      const now = Date.now()
      const { percent } = progressOf(snapshot, found.usualMs, now) ?? { percent: 0 }
      return Response.json(words.shown(taskOf(snapshot, percent, linkOf(c), words)), {
        headers: retryHeaders(status, now),
      })
    } catch (error) {
      return failureResponse(error, words.refused, c.get('requestId'))
    }
  }

/** `POST /v1/draw/result`, with the id in the body. */
export const showDrawResult = shown(DRAW, async (c, team) => {
  const { fields } = await readJsonBody(new Intake(c, team), {
    isPicture: () => false,
    most: 0,
    tooMany: unknownParameter,
  })
  return checked(body, fields).id
})

/** `GET /v1/api/result?id=`. */
export const showApiResult = shown(API, (c) => c.req.query('id') ?? '')
