import type { Context } from 'hono'
import type * as z from 'zod'
import type { App } from '../context'
import { checked } from '../refusals/checked'
import { GatewayError } from '../runtime/errors'

/** Reads a JSON body by its schema; none at all is an empty object. Throws GatewayError. */
export async function bodyOf<Schema extends z.ZodType>(c: Context<App>, schema: Schema): Promise<z.infer<Schema>> {
  const text = await c.req.text()
  return checked(schema, text === '' ? {} : parsed(text))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const message = 'The request body is not valid JSON. Send an object with Content-Type: application/json.'
    throw new GatewayError({ code: 'invalid_request', message }, { cause: error })
  }
}
