import { answerWith } from './base64.ts'
import type { FloorEnv } from './worker.ts'

/** The KV record of one picture. */
interface FloorRecord {
  created: number
  key: string
  url: string
}

/** Stores the one record and, in place of a picture, the request's body, for later hits. */
export async function prepare(request: Request, env: FloorEnv): Promise<Response> {
  const key = 'picture'
  await env.IMAGES.put(key, request.body)
  const url = `${new URL(request.url).origin}/images/picture?exp=1800000000&sig=${'s'.repeat(43)}`
  const record: FloorRecord = { created: Math.floor(Date.now() / 1000), key, url }
  await env.CACHE.put('record', JSON.stringify(record))
  return Response.json(record)
}

/** Reads the request's JSON: no gateway can answer without that. */
export async function hitAsUrl(request: Request, env: FloorEnv): Promise<Response> {
  await request.json()
  const record = await env.CACHE.get<FloorRecord>('record', 'json')
  return Response.json({ created: record?.created, data: [{ url: record?.url }] })
}

export async function hitAsBase64(request: Request, env: FloorEnv): Promise<Response> {
  await request.json()
  const record = await env.CACHE.get<FloorRecord>('record', 'json')
  return answerWith(await env.IMAGES.get(record?.key ?? ''))
}
