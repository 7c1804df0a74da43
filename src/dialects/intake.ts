import type { Context } from 'hono'
import type { Adjustment } from '../catalog/fit'
import type { Place } from '../failures/refusal'
import { refusing } from '../failures/refuse'
import type { App } from '../context'
import { type Failure, GatewayError, throwIfRefused } from '../failures/errors'
import { type Limits, refuseModel } from '../limits/limits'
import { ReplayableBody } from '../store/replayable-body'
import { arriving, STALL_MS } from '../runtime/stall'
import { type Bytes, capped, readStream } from '../streams/bytes'
import { isImageModel, modelResolver, resolveModel } from '../upstreams/names'
import { RequestPictures } from './request-pictures'
import { inPlace, LARGE_UPLOAD_BYTES } from './uploads'

/** The caller of a request, as far as its body depends on it. */
export interface IntakeCaller {
  team: string
  /** The id of the key. */
  key: string
  /** The limits of the key and of the team. */
  limits: readonly Limits[]
  /** The refusal of any new picture, if they allow none. */
  noPictures: Failure | undefined
}

/** The body of a request; a dialect reads it here. */
export class Intake {
  readonly #c: Context<App>
  readonly #key: string
  readonly #limits: readonly Limits[]
  readonly pictures: RequestPictures
  #kept: ReplayableBody | undefined
  /** The bytes that the request may still have, with those behind its URLs. */
  #bytesLeft: number

  constructor(c: Context<App>, { team, key, limits, noPictures }: IntakeCaller) {
    this.#c = c
    this.#key = `${team}/${key}`
    this.#limits = limits
    this.#bytesLeft = c.get('config').maxBodyBytes
    this.pictures = new RequestPictures({
      bucket: c.env.IMAGES,
      team,
      origin: new URL(c.req.url).origin,
      settings: c.get('config'),
      refusal: noPictures,
      count: (bytes) => this.#counted(bytes, fetchedTooLarge(c.get('config').maxBodyBytes)),
    })
  }

  header(name: string): string | undefined {
    return this.#c.req.header(name)
  }

  /** A parameter of the path, decoded. */
  param(name: string): string | undefined {
    return this.#c.req.param(name)
  }

  query(name: string): string | undefined {
    return this.#c.req.query(name)
  }

  /** The body as it arrives, or the kept copy. Throws GatewayError `too_large`, at once for an announced length. */
  get body(): Bytes {
    if (this.#kept) return this.#kept.read()
    const { maxBodyBytes } = this.#c.get('config')
    const refusal = requestTooLarge(maxBodyBytes)
    const announced = Number(this.header('content-length') ?? Number.NaN)
    if (announced > maxBodyBytes) throw new GatewayError(refusal)
    const request = this.#c.req.raw
    if (!request.body) return emptyBody()
    const arrived = announced <= SMALL_BODY_BYTES ? wholeBody(request) : readStream(request.body)
    const stalled = (): GatewayError => new GatewayError(UPLOAD_STALLED)
    const body = this.#counted(arriving(arrived, stalled), refusal)
    return announced <= LARGE_UPLOAD_BYTES ? body : inPlace(body, this.#key)
  }

  /** Keeps the body until `release`, so that it can be read twice. Throws GatewayError `too_large`. */
  async keep(): Promise<ReplayableBody> {
    return (this.#kept ??= await ReplayableBody.of(this.body, this.#c.env.IMAGES))
  }

  /** Removes the kept copy of the body, and pictures that no generation took over. */
  release(): void {
    const kept = this.#kept?.remove()
    this.#c.executionCtx.waitUntil(Promise.all([kept, this.pictures.release()]))
  }

  /**
   * The model behind a name, and the adjustment of a retired name. Throws GatewayError if no upstream serves it, or the
   * key may not have it.
   */
  model(name: string, field: Place = 'model'): { model: string; adjustments: Adjustment[] } {
    const [config, nowMs] = [this.#c.get('config'), Date.now()]
    const resolved = resolveModel(name, config, nowMs)
    const refusal = refusing({ reason: 'unknown_model', field, given: name })
    if (!resolved) throw new GatewayError(refusal)
    const { model, retired } = resolved
    throwIfRefused(refuseModel(model, this.#limits, modelResolver(config, nowMs), field))
    return { model, adjustments: retired ? [{ note: `model=${name}>${model}`, refusal, isStandIn: true }] : [] }
  }

  /** Replaces the name in `model` by the name of the served model. Throws GatewayError. */
  replaceModel(fields: Record<string, unknown>): Adjustment[] {
    const { model: name } = fields
    if (typeof name !== 'string') return []
    const { model, adjustments } = this.model(name)
    fields['model'] = model
    return adjustments
  }

  isImageModel(name: string): boolean {
    return isImageModel(name, this.#c.get('config'))
  }

  async *#counted(bytes: Bytes, refusal: Failure): Bytes {
    const refuse = (): GatewayError => new GatewayError(refusal)
    for await (const chunk of capped(bytes, this.#bytesLeft, refuse)) {
      this.#bytesLeft -= chunk.length
      yield chunk
    }
  }
}

const requestTooLarge = (maxBytes: number): Failure => ({
  code: 'too_large',
  message: `The request is larger than ${maxBytes} bytes. Send a smaller one, or send images as URLs.`,
})

const UPLOAD_STALLED: Failure = {
  code: 'invalid_request',
  message: `The upload of your request made no progress for ${STALL_MS / 1000} s. Send it again.`,
}

const fetchedTooLarge = (maxBytes: number): Failure => ({
  code: 'too_large',
  message: `The request and the images behind its URLs are together larger than ${maxBytes} bytes. Send fewer of them.`,
})

async function* emptyBody(): Bytes {}

/** Bodies up to this size cost less CPU in one piece than as a stream. */
const SMALL_BODY_BYTES = 64 * 1024

async function* wholeBody(request: Request): Bytes {
  yield await request.bytes()
}
