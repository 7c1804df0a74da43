import { refusing } from '../failures/refuse'
import { type Failure, GatewayError, throwIfRefused } from '../failures/errors'
import type { ImageRequest, ImageRequestOf, InputImage } from '../image/request'
import { fetchImage, UnreadableUrl } from '../image/source'
import { firstKeySince, keyOfPath, NotAnImage, openImage } from '../store/images'
import { readInput, removeInputs, storeHeld } from '../store/inputs'
import { type LinkSettings, resolveReference, signedKeyOf } from '../store/links'
import { BrokenDataUrl } from '../streams/base64'
import { type Bytes, capped, readStream } from '../streams/bytes'
import type { PicturePosition, PictureSource } from './picture-source'

/** The largest picture of the Images API: 50 MB (protocols §1.3). */
const MAX_INPUT_BYTES = 50 * 1024 * 1024
/** The pictures of a request stay in memory up to so many bytes, and reach R2 with the request's acceptance. */
const MAX_HELD_BYTES = 1024 * 1024
/** The GETs of one request: sixteen pictures, each with a redirect. */
const MAX_GETS = 32

/** The request of the pictures. */
export interface PictureContext {
  bucket: R2Bucket
  team: string
  /** The origin of the gateway, as the client calls it. */
  origin: string
  /** Whether the team made the picture under a key, and has not deleted it. Throws GatewayError. */
  isOwn: (key: string) => Promise<boolean>
  settings: LinkSettings & { allowPrivateUrls: boolean }
  /** The refusal of any new picture, if the key's limits allow none. */
  refusal: Failure | undefined
  /** Counts bytes as part of the request. Throws GatewayError `too_large`. */
  count: (bytes: Bytes) => Bytes
}

/** The input pictures of one request. They are removed with it, unless a generation takes them over. */
export class RequestPictures {
  readonly #context: PictureContext
  readonly #held = new Map<InputImage, Uint8Array>()
  #stored: string[] = []
  #handedOver: string[] = []
  #gets = 0

  constructor(context: PictureContext) {
    this.#context = context
  }

  /** Reads a picture as it passes. Throws GatewayError. */
  async read(bytes: Bytes, { number, param }: PicturePosition): Promise<InputImage> {
    throwIfRefused(this.#context.refusal)
    const refuse = (): GatewayError =>
      new GatewayError(refusing({ reason: 'image_too_large', field: { param }, maximumBytes: MAX_INPUT_BYTES }))
    try {
      const room = [...this.#held.keys()].reduce((left, input) => left - input.bytes, MAX_HELD_BYTES)
      const { input, held } = await readInput(this.#context.bucket, capped(bytes, MAX_INPUT_BYTES, refuse), room)
      if (held) this.#held.set(input, held)
      else this.#stored.push(input.key)
      return input
    } catch (error) {
      if (!(error instanceof NotAnImage || error instanceof SyntaxError)) throw error
      const why = whyInvalid(error)
      const refusal = refusing({ reason: 'invalid_image', field: { param }, position: number, ...(why && { why }) })
      throw new GatewayError(refusal, { cause: error })
    }
  }

  /** Fetches the pictures that a request names, one after the other: each takes memory. Throws GatewayError. */
  async fetched({ images: named, mask, markup, ...rest }: ImageRequestOf<PictureSource>): Promise<ImageRequest> {
    const images: InputImage[] = []
    for (const source of named) images.push(await this.#inputOf(source))
    return {
      ...rest,
      images,
      ...(mask ? { mask: await this.#inputOf(mask) } : {}),
      ...(markup ? { markup: await this.#inputOf(markup) } : {}),
    }
  }

  /** Leaves the pictures to the generation that asks for them. Throws StoreError. */
  async handOver(): Promise<void> {
    const { bucket } = this.#context
    for (const [input, held] of this.#held) {
      this.#stored.push(input.key)
      await storeHeld(bucket, input, held)
    }
    this.#held.clear()
    this.#handedOver = this.#stored.splice(0)
  }

  /** Removes what no generation took over. Never throws. */
  async release(): Promise<void> {
    await removeInputs(this.#context.bucket, this.#stored.splice(0))
  }

  /** Removes pictures that no run needs: the answer is an earlier one, or another run's. Never throws. */
  async takeBack(): Promise<void> {
    await removeInputs(this.#context.bucket, this.#handedOver.splice(0))
  }

  async #inputOf(source: PictureSource): Promise<InputImage> {
    if ('input' in source) return source.input
    const { position } = source
    if ('url' in source) return await this.#at(source.url, position)
    const found = await this.#referredBy(source.reference)
    if (!found) throw new GatewayError(source.unknown)
    return await this.#counted(found, position)
  }

  #counted(bytes: Bytes, position: PicturePosition): Promise<InputImage> {
    return this.read(this.#context.count(bytes), position)
  }

  /** Fetches a picture by its URL; R2 serves links of this gateway. Throws GatewayError. */
  async #at(address: string, position: PicturePosition): Promise<InputImage> {
    try {
      return await this.#counted((await this.#ownImage(address)) ?? this.#fetch(address), position)
    } catch (error) {
      if (!(error instanceof UnreadableUrl)) throw error
      const { param } = position
      const refusal = refusing({ reason: 'unreadable_image', field: { param }, why: error.message })
      throw new GatewayError(refusal, { cause: error })
    }
  }

  #fetch(address: string): Bytes {
    const { allowPrivateUrls } = this.#context.settings
    const beforeGet = (): void => {
      if (this.#gets++ === MAX_GETS) throw new UnreadableUrl(`its request needs more than ${MAX_GETS} GETs`)
    }
    return fetchImage(address, { schemes: ['https:'], allowPrivateUrls, beforeGet })
  }

  /** The picture behind a reference of the same team; undefined if it is gone or unknown. */
  async #referredBy(reference: string): Promise<Bytes | undefined> {
    const { bucket, team, settings } = this.#context
    const resolved = resolveReference(reference, team, settings)
    if (!resolved) return undefined
    const key = 'key' in resolved ? resolved.key : await firstKeySince(bucket, resolved.generation, resolved.sinceMs)
    const object = key === undefined ? null : await openImage(bucket, key)
    return object ? readStream(object.body) : undefined
  }

  async #ownImage(address: string): Promise<Bytes | undefined> {
    if (!URL.canParse(address)) return undefined
    const url = new URL(address)
    const { bucket, origin, settings } = this.#context
    if (url.origin !== origin || !keyOfPath(url.pathname)) return undefined
    const signed = signedKeyOf(url, settings, Date.now())
    if (!signed) throw new UnreadableUrl('it is a link of this gateway that was changed')
    // A saved conversation outlives its links.
    if (signed.secondsLeft <= 0 && !(await this.#context.isOwn(signed.key)))
      throw new UnreadableUrl('it is an expired link to a picture that your team has not, or no longer')
    const object = await openImage(bucket, signed.key)
    if (!object) throw new UnreadableUrl('this gateway no longer keeps it')
    return readStream(object.body)
  }
}

/** The fault of a picture as a sentence; undefined for an unknown one. */
function whyInvalid(error: NotAnImage | SyntaxError): string | undefined {
  if (error instanceof BrokenDataUrl) return "Its data URL has no ';base64,' behind its type."
  if (error instanceof SyntaxError) return 'Its base64 is invalid.'
  return error.kind && `It is ${error.kind}; send a PNG, JPEG or WebP.`
}
