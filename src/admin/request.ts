import type { Context } from 'hono'
import * as z from 'zod'
import type { App } from '../context'
import { checked } from '../failures/checked'
import { jsonFieldsOf } from '../dialects/json-body'
import { requestBody } from '../dialects/request-body'
import { GatewayError } from '../failures/errors'
import { capped, peek } from '../streams/bytes'

/** Reads a JSON body by its schema; an empty body is an empty object. Throws GatewayError. */
export async function bodyBy<Schema extends z.ZodType>(c: Context<App>, schema: Schema): Promise<z.infer<Schema>> {
  const { maxBodyBytes } = c.get('config')
  const body = requestBody(c, 'admin', (bytes, refusal) => capped(bytes, maxBodyBytes, () => new GatewayError(refusal)))
  const { head, all } = await peek(body, 1)
  return checked(schema, head.length === 0 ? {} : await jsonFieldsOf(all))
}

/** The team id of the path. */
export const teamOf = (c: Context<App>): string => c.req.param('team') ?? ''

/** Names of teams and keys, for people. */
export const displayName = z.string().min(1).max(100)
