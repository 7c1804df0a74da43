import type { Context } from 'hono'
import type { Adjustment } from '../catalog/fit'
import type { Place } from '../failures/refusal'
import { refusing } from '../failures/refuse'
import type { App } from '../context'
import { type Failure, GatewayError } from '../failures/errors'
import type { InputImage } from '../image/request'
import { fetchImage, UnreadableUrl } from '../image/source'
import { firstKeySince, keyOfPath, NotAnImage, openImage } from '../store/images'
import { putInput } from '../store/inputs'
import { ReplayableBody } from '../store/replayable-body'
import { resolveReference, verifyLink } from '../store/links'
import { type Bytes, capped, readStream } from '../streams/bytes'
import { isImageModel, resolveModel } from '../upstreams/names'

/** A picture's place in a request: its number among all, from 1, and its parameter. */
export interface PicturePosition {
  number: number
  param: string
}

/** The largest picture of the Images API: 50 MB (protocols §1.3). */
const MAX_INPUT_BYTES = 50 * 1024 * 1024

/** The body of a request; a dialect reads it here and stores pictures as they pass. */
export class Intake {
  readonly #c: Context<App>
  readonly #team: string
  #kept: ReplayableBody | undefined

  /** `team` is the team of the request. */
  constructor(c: Context<App>, team: string) {
    this.#c = c
    this.#team = team
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
    const refusal = (): GatewayError => new GatewayError(requestTooLarge(maxBodyBytes))
    const announced = Number(this.header('content-length') ?? Number.NaN)
    if (announced > maxBodyBytes) throw refusal()
    const request = this.#c.req.raw
    if (!request.body) return emptyBody()
    return announced <= SMALL_BODY_BYTES ? wholeBody(request) : capped(readStream(request.body), maxBodyBytes, refusal)
  }

  /** Keeps the body until `release`, so that it can be read twice. Throws GatewayError `too_large`. */
  async keep(): Promise<ReplayableBody> {
    return (this.#kept ??= await ReplayableBody.of(this.body, this.#c.env.IMAGES))
  }

  /** Removes the kept copy of the body. */
  release(): void {
    if (this.#kept) this.#c.executionCtx.waitUntil(this.#kept.remove())
  }

  /** The model behind a name, and the adjustment of a retired name. Throws GatewayError if no upstream serves it. */
  model(name: string, field: Place = 'model'): { model: string; adjustments: Adjustment[] } {
    const resolved = resolveModel(name, this.#c.get('config'), Date.now())
    const refusal = refusing({ reason: 'unknown_model', field, given: name })
    if (!resolved) throw new GatewayError(refusal)
    const { model, retired } = resolved
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

  /** Stores a picture as it arrives. Throws GatewayError. */
  async picture(bytes: Bytes, position: PicturePosition): Promise<InputImage> {
    const { number, param } = position
    const refuse = (): GatewayError =>
      new GatewayError(refusing({ reason: 'image_too_large', field: { param }, maximumBytes: MAX_INPUT_BYTES }))
    try {
      return await putInput(this.#c.env.IMAGES, capped(bytes, MAX_INPUT_BYTES, refuse))
    } catch (error) {
      if (error instanceof NotAnImage || error instanceof SyntaxError) {
        const refusal = refusing({ reason: 'invalid_image', field: { param }, position: number })
        throw new GatewayError(refusal, { cause: error })
      }
      throw error
    }
  }

  /** Fetches and stores a picture by its URL; R2 serves links of this gateway. Throws GatewayError. */
  async pictureAt(address: string, position: PicturePosition): Promise<InputImage> {
    try {
      return await this.picture((await this.#ownImage(address)) ?? this.#fetched(address), position)
    } catch (error) {
      if (!(error instanceof UnreadableUrl)) throw error
      const { param } = position
      const refusal = refusing({ reason: 'unreadable_image', field: { param }, why: error.message })
      throw new GatewayError(refusal, { cause: error })
    }
  }

  /**
   * Stores the picture behind a reference of the same team; undefined if it is gone or unknown. Throws GatewayError.
   */
  async pictureOf(reference: string, position: PicturePosition): Promise<InputImage | undefined> {
    const { IMAGES } = this.#c.env
    const resolved = resolveReference(reference, this.#team, this.#c.get('config'))
    if (!resolved) return undefined
    const key = 'key' in resolved ? resolved.key : await firstKeySince(IMAGES, resolved.generation, resolved.sinceMs)
    const object = key === undefined ? null : await openImage(IMAGES, key)
    return object ? await this.picture(readStream(object.body), position) : undefined
  }

  #fetched(address: string): Bytes {
    return fetchImage(address, { schemes: ['https:'], allowPrivateUrls: this.#c.get('config').allowPrivateUrls })
  }

  async #ownImage(address: string): Promise<Bytes | undefined> {
    if (!URL.canParse(address)) return undefined
    const url = new URL(address)
    if (url.origin !== new URL(this.#c.req.url).origin || !keyOfPath(url.pathname)) return undefined
    const verified = verifyLink(url, this.#c.get('config'), Date.now())
    if (!verified.ok) throw new UnreadableUrl('it is a link of this gateway that has expired or was changed')
    const object = await openImage(this.#c.env.IMAGES, verified.value.key)
    if (!object) throw new UnreadableUrl('this gateway no longer keeps it')
    return readStream(object.body)
  }
}

const requestTooLarge = (maxBytes: number): Failure => ({
  code: 'too_large',
  message: `The request is larger than ${maxBytes} bytes. Send a smaller one, or send images as URLs.`,
})

async function* emptyBody(): Bytes {}

/** Bodies up to this size cost less CPU in one piece than as a stream. */
const SMALL_BODY_BYTES = 64 * 1024

async function* wholeBody(request: Request): Bytes {
  yield await request.bytes()
}
