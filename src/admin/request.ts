import type { Context } from 'hono'
import * as z from 'zod'
import type { App } from '../context'
import { checked } from '../failures/checked'
import { GatewayError } from '../failures/errors'

/** Reads a JSON body by its schema; an empty body is an empty object. Throws GatewayError. */
export async function bodyBy<Schema extends z.ZodType>(c: Context<App>, schema: Schema): Promise<z.infer<Schema>> {
  const text = await c.req.text()
  return checked(schema, text === '' ? {} : parsedJson(text))
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const message = 'The request body is not valid JSON. Send an object with Content-Type: application/json.'
    throw new GatewayError({ code: 'invalid_request', message }, { cause: error })
  }
}

/** The team id of the path. */
export const teamOf = (c: Context<App>): string => c.req.param('team') ?? ''

/** Names of teams and keys, for people. */
export const displayName = z.string().min(1).max(100)
