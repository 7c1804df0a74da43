import type { Context } from 'hono'
import type { Adjustment } from '../catalog/fit'
import type { Place } from '../refusals/refusal'
import { refusing } from '../refusals/refuse'
import type { App } from '../context'
import { type Failure, GatewayError } from '../runtime/errors'
import type { InputImage } from '../image/request'
import { fetchImage, UnreadableUrl } from '../image/source'
import { firstKeySince, keyOfPath, NotAnImage, openImage } from '../store/images'
import { putInput } from '../store/inputs'
import { ReplayableBody } from '../store/replayable-body'
import { resolveReference, verifyLink } from '../store/links'
import { type Bytes, capped, readStream } from '../streams/bytes'
import { isImageModel, meantBy } from '../upstreams/names'

/** Where a picture stands in a request: its number among all, from 1, and the parameter it came in. */
export interface PicturePosition {
  number: number
  param: string
}

/** 50 MB is what the API takes of one picture (protocols §1.3). */
const MAX_INPUT_BYTES = 50 * 1024 * 1024

/** A request on its way in: a dialect reads the body from it and hands it the pictures that it finds. */
export class Intake {
  readonly #c: Context<App>
  readonly #team: string
  #kept: ReplayableBody | undefined

  /** `team` is whose request it is. */
  constructor(c: Context<App>, team: string) {
    this.#c = c
    this.#team = team
  }

  header(name: string): string | undefined {
    return this.#c.req.header(name)
  }

  /** What stands in the path where the route has `:name`, decoded. */
  param(name: string): string | undefined {
    return this.#c.req.param(name)
  }

  query(name: string): string | undefined {
    return this.#c.req.query(name)
  }

  /** The body as it arrives, or as it is kept. Throws GatewayError `too_large`, at once where its length is announced. */
  get body(): Bytes {
    if (this.#kept) return this.#kept.read()
    const { maxBodyBytes } = this.#c.get('config')
    const refusal = (): GatewayError => new GatewayError(tooLarge(maxBodyBytes))
    const announced = Number(this.header('content-length') ?? Number.NaN)
    if (announced > maxBodyBytes) throw refusal()
    const request = this.#c.req.raw
    if (!request.body) return nothing()
    return announced <= SMALL_BYTES ? atOnce(request) : capped(readStream(request.body), maxBodyBytes, refusal)
  }

  /** Has the body kept until `release`, so that it can be read more than once. Throws likewise. */
  async keep(): Promise<ReplayableBody> {
    return (this.#kept ??= await ReplayableBody.of(this.body, this.#c.env.IMAGES))
  }

  /** Lets go of a body that is kept. */
  release(): void {
    if (this.#kept) this.#c.executionCtx.waitUntil(this.#kept.remove())
  }

  /** The model that a name stands for, and what is to be told of that. Throws GatewayError where nobody serves it. */
  model(name: string, field: Place = 'model'): { model: string; adjustments: Adjustment[] } {
    const meant = meantBy(name, this.#c.get('config'), Date.now())
    const refusal = refusing({ reason: 'unknown_model', field, given: name })
    if (!meant) throw new GatewayError(refusal)
    const { model, retired } = meant
    return { model, adjustments: retired ? [{ note: `model=${name}>${model}`, refusal }] : [] }
  }

  /** Replaces the name of the model in a body by the model that it stands for. Throws GatewayError. */
  replaceModel(fields: Record<string, unknown>): Adjustment[] {
    const { model: name } = fields
    if (typeof name !== 'string') return []
    const { model, adjustments } = this.model(name)
    fields['model'] = model
    return adjustments
  }

  /** Whether a name is that of an image model. */
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

  /** Fetches and stores a picture that the caller names; one of this gateway's own is read from R2. Throws GatewayError. */
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

  /** Stores the picture that a name given to its team means; undefined where there is none, or no more. Throws GatewayError. */
  async pictureOf(reference: string, position: PicturePosition): Promise<InputImage | undefined> {
    const { IMAGES } = this.#c.env
    const meant = resolveReference(reference, this.#team, this.#c.get('config'))
    if (!meant) return undefined
    const key = 'key' in meant ? meant.key : await firstKeySince(IMAGES, meant.generation, meant.sinceMs)
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

const tooLarge = (maxBytes: number): Failure => ({
  code: 'too_large',
  message: `The request is larger than ${maxBytes} bytes. Send a smaller one, or send images as URLs.`,
})

async function* nothing(): Bytes {}

/** So much costs less when it is read in one piece. */
const SMALL_BYTES = 64 * 1024

async function* atOnce(request: Request): Bytes {
  yield await request.bytes()
}
