import { DurableObject } from 'cloudflare:workers'
import { hitAsBase64, hitAsUrl, prepare } from './hit.ts'
import { miss } from './miss.ts'
import { storeAndRead, takeUpload } from './storage.ts'

/** The bindings of the floor: the gateway's stores, and the address of the upstream. */
export interface FloorEnv {
  CACHE: KVNamespace
  IMAGES: R2Bucket
  UPSTREAM_URL: string
}

const WORK: Record<string, (request: Request, env: FloorEnv) => Promise<Response>> = {
  '/prepare': prepare,
  '/hit-url': hitAsUrl,
  '/hit-b64': hitAsBase64,
  '/miss': miss,
  '/store': storeAndRead,
  '/upload': takeUpload,
}

/** The floor: for each figure, only the unavoidable platform calls. */
export default {
  async fetch(request, env) {
    const work = WORK[new URL(request.url).pathname]
    return work ? await work(request, env) : new Response('no such figure', { status: 404 })
  },
} satisfies ExportedHandler<FloorEnv>

/** A class that `wrangler.toml` names. It is never called. */
export class Generation extends DurableObject {}
export class Team extends DurableObject {}
export class Directory extends DurableObject {}
export class Account extends DurableObject {}
