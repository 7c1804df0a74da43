import { hex, makePicture, piecesOf, sha256 } from './fake-picture.ts'
import { concatenate } from './png.ts'

/** A request as a fake upstream has read it. */
export interface Sent {
  method: string
  /** With the query. */
  path: string
  headers: Record<string, string>
  /** JSON as parsed, or a form's texts by name and its files as `{ type, bytes }`; undefined without a body. */
  body: unknown
}

/** A picture or a job with the faults of a prompt's markers: `@fault=limited`, `@delay=300` (ms), `@once=error`. */
export interface Order {
  prompt: string
  fault: string | undefined
  delayMs: number
}

/** A running job; a fake adds fields of its own. */
export interface Job {
  id: string
  order: Order
  readyMs: number
  /** The number of polls. */
  looks: number
}

/**
 * An upstream's API, strict about its requests, for workerd (through `internet.ts`) and for Node (over HTTP). A
 * prompt's markers order its faults. An unknown marker is answered with status 501, since a test would pass without its
 * fault. Every fake knows the faults moderation, limited, billing, unauthorized, malformed, gone, error and cut.
 */
export abstract class FakeProvider {
  /** The provider's id in UPSTREAMS. */
  abstract readonly provider: string
  /** The model of the clients' requests. */
  abstract readonly model: string
  /** The `models` of its entry in UPSTREAMS. */
  get models(): string[] {
    return [this.model]
  }
  /** The beginning of its API's paths. */
  readonly basePath: string = ''
  /** Whether it takes input pictures. */
  readonly edits: boolean = true
  /** Whether its answers have URLs of pictures; those of `@fault=gone` have expired. */
  readonly answersUrls: boolean = false
  /** The number of jobs or calls for one picture. */
  readonly submitsEach: number = 1
  readonly key = 'key-of-the-fake'
  /** Its origin: a host of its own, or the address of its server. */
  origin = ''
  readonly sent: Sent[] = []
  readonly jobs = new Map<string, Job>()
  /** The jobs that the gateway stopped. */
  readonly stopped: string[] = []
  /** The number of calls that begin billed work. */
  submits = 0
  /** SHA-256, in hex, of every delivered picture. */
  readonly served = new Set<string>()
  readonly #spoilt = new Set<string>()
  #pictures = 0

  /** Answers a request that has been read and is in `sent`. */
  protected abstract answer(request: Request, sent: Sent): Promise<Response> | Response

  /** The entry of UPSTREAMS that leads here, with the secret FAKE_KEY. */
  setting(): Record<string, unknown> {
    const { provider, models } = this
    return { name: provider, provider, secret: 'FAKE_KEY', base_url: this.origin + this.basePath, models }
  }

  reset(): void {
    this.sent.length = 0
    this.jobs.clear()
    this.stopped.length = 0
    this.submits = 0
    this.served.clear()
    this.#spoilt.clear()
  }

  async handle(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    if (request.method === 'GET' && pathname.startsWith('/files/')) return await this.#file(pathname)
    const sent: Sent = {
      method: request.method,
      path: pathname + search,
      headers: Object.fromEntries(request.headers),
      body: await bodyOf(request),
    }
    this.sent.push(sent)
    try {
      return await this.answer(request, sent)
    } catch (error) {
      if (error instanceof Response) return error
      if (error instanceof Hollow) return Response.json({ hollow: error.message }, { status: 501 })
      throw error
    }
  }

  /** Reads the markers of a prompt, waits for its delay, and counts billed work. */
  protected order(prompt: unknown, faults: readonly string[]): Order {
    if (typeof prompt !== 'string') throw new Hollow('There is no prompt.')
    const markers = new Map([...prompt.matchAll(/@([a-z]+)=([\w-]+)/g)].map(([, name = '', value]) => [name, value]))
    for (const [name, value = ''] of markers) {
      const isKnown =
        name === 'delay' ? /^\d+$/.test(value) : ['fault', 'once'].includes(name) && faults.includes(value)
      if (!isKnown) throw new Hollow(`This fake knows no @${name}=${value}.`)
    }
    const once = markers.get('once')
    const isFirst = once !== undefined && !this.#spoilt.has(prompt)
    this.#spoilt.add(prompt)
    const fault = markers.get('fault') ?? (isFirst ? once : undefined)
    return { prompt, fault, delayMs: Number(markers.get('delay') ?? 0) }
  }

  /** Begins a job. */
  protected begin(order: Order, id: string = crypto.randomUUID()): Job {
    this.submits += 1
    const job: Job = { id, order, readyMs: Date.now() + order.delayMs, looks: 0 }
    this.jobs.set(id, job)
    return job
  }

  /** A PNG that differs from all others. */
  protected async picture(): Promise<Uint8Array<ArrayBuffer>> {
    const seed = `${this.provider} ${++this.#pictures}`
    const bytes = Uint8Array.from(concatenate(...piecesOf(await makePicture('png', seed, 2000))))
    this.served.add(hex(await sha256(bytes)))
    return bytes
  }

  protected async base64(): Promise<string> {
    return btoa(String.fromCharCode(...(await this.picture())))
  }

  /** The URL of a new picture, without a key; it has expired for the fault `gone`. */
  protected pictureUrl(fault?: string): string {
    return `${this.origin}/files/${fault === 'gone' ? 'gone' : ++this.#pictures}.png`
  }

  async #file(path: string): Promise<Response> {
    if (path.startsWith('/files/gone')) return new Response('AccessDenied', { status: 403 })
    return new Response(await this.picture(), { headers: { 'content-type': 'image/png' } })
  }
}

/** An order of a test that its fake does not know. */
export class Hollow extends Error {}

/** Refuses a body with an unknown field, as strict APIs do; returns the typed body. */
export function fieldsOf(
  body: unknown,
  known: readonly string[],
  refuse: (field: string) => Response,
): Record<string, unknown> {
  if (typeof body !== 'object' || body === null) throw new Hollow('The body is no object.')
  const stray = Object.keys(body).find((name) => !known.includes(name))
  if (stray !== undefined) throw refuse(stray)
  return { ...body }
}

/** An answer that is no JSON, as a proxy in between sends it. */
export const htmlPage = (status = 200): Response =>
  new Response('<html><body>Bad gateway</body></html>', { status, headers: { 'content-type': 'text/html' } })

async function bodyOf(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type') ?? ''
  if (type.startsWith('multipart/form-data')) return await formOf(request)
  const text = await request.text()
  if (text === '') return undefined
  return type.startsWith('application/json') ? (JSON.parse(text) as unknown) : text
}

async function formOf(request: Request): Promise<Record<string, unknown>> {
  const form: Record<string, unknown> = {}
  for (const [name, value] of await request.formData()) {
    form[name] = typeof value === 'string' ? value : { type: value.type, bytes: value.size }
  }
  return form
}
