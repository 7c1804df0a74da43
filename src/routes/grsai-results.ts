import type { Context, Handler } from 'hono'
import * as z from 'zod'
import { OwnTeam } from '../http/own-team'
import type { Caller } from '../credentials/caller'
import { checked } from '../failures/checked'
import { type App, linkOf } from '../context'
import { failureResponse } from '../delivery/failure-response'
import { progressOf, retryHeaders } from '../delivery/job-status'
import { unknownParameter } from '../failures/parameters'
import { API_WORDING, DRAW_WORDING, taskOf, type TaskWording } from '../dialects/grsai/task'
import { Intake } from '../dialects/intake'
import { readJsonBody } from '../dialects/json-body'
import { generationStatusOf } from './generations/status'

/*
 * The status of tasks for GrsAI's clients; a task is a generation (protocols §5).
 */

const taskBody = z.object({ id: z.string() })

/** Shows the status of a task, and any failure, in the words of one version of the API. */
const showTaskIn = (
  words: TaskWording,
  idIn: (c: Context<App>, caller: Caller) => Promise<string> | string,
): Handler<App> =>
  async function showTask(c) {
    try {
      const team = OwnTeam.of(c)
      const id = await team.read(() => idIn(c, team.caller))
      const { status } = await generationStatusOf(c, team, id)
      const { snapshot, known } = status
      const now = Date.now()
      const { percent } = progressOf(snapshot, known.usualMs, now) ?? { percent: 0 }
      return Response.json(words.status(taskOf(snapshot, percent, linkOf(c), words)), {
        headers: retryHeaders(status, now),
      })
    } catch (error) {
      return failureResponse(error, words.refused, c.get('requestId'))
    }
  }

/** `POST /v1/draw/result`, with the id in the body. */
export const showDrawResult = showTaskIn(DRAW_WORDING, async (c, { team, keyHash: key = '' }) => {
  const { fields } = await readJsonBody(new Intake(c, { team, key, limits: [], noPictures: undefined }), {
    isPicture: () => false,
    most: 0,
    tooMany: unknownParameter,
  })
  return checked(taskBody, fields).id
})

/** `GET /v1/api/result?id=`. */
export const showApiResult = showTaskIn(API_WORDING, (c) => c.req.query('id') ?? '')
