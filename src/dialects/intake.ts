import type { Context } from 'hono'
import type { Adjustment } from '../catalog/fit'
import { invalidParameter } from '../failures/parameters'
import type { Place } from '../failures/refusal'
import { refusing } from '../failures/refuse'
import type { App } from '../context'
import { type Failure, GatewayError, throwIfRefused, unwrap } from '../failures/errors'
import { type Limits, refuseModel } from '../limits/limits'
import { ReplayableBody } from '../store/replayable-body'
import { type Bytes, capped } from '../streams/bytes'
import { wellFormedEscapes } from '../streams/json-escapes'
import { withoutByteOrderMark } from '../streams/utf8'
import { askTeam } from '../team/ask-team'
import { isFreshAlias, isImageModel, MAX_MODEL_NAME, modelResolver, resolveModel } from '../upstreams/names'
import { RequestPictures } from './request-pictures'
import { requestBody } from './request-body'

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
  /** Whether the client named an alias that shares no pictures. */
  isFresh = false
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
      origin: c.get('origin'),
      isOwn: async (key) =>
        unwrap(await askTeam(c.env, team, async (stub) => await stub.image(key))).entry !== undefined,
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

  /** The model that a path of Azure names. */
  get deployment(): string | undefined {
    return this.param('deployment')
  }

  /** A parameter of the query; a blank one is missing. */
  query(name: string): string | undefined {
    return this.#c.req.query(name) || undefined
  }

  /** The body as it arrives, or the kept copy. Throws GatewayError, `too_large` at once for an announced length. */
  get body(): Bytes {
    return this.#kept
      ? this.#kept.read()
      : requestBody(this.#c, this.#key, (bytes, refusal) => this.#counted(bytes, refusal))
  }

  /**
   * Keeps the JSON of the body until `release`, so that it can be read twice. Its upstream takes it as strictly as any
   * reader: without a byte order mark, and with well-formed texts. Throws GatewayError `too_large`.
   */
  async keep(): Promise<ReplayableBody> {
    const json = wellFormedEscapes(withoutByteOrderMark(this.body))
    return (this.#kept ??= await ReplayableBody.of(json, this.#c.env.IMAGES))
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
    this.isFresh ||= isFreshAlias(name, config)
    throwIfRefused(refuseModel(model, this.#limits, modelResolver(config, nowMs), field))
    return { model, adjustments: retired ? [{ note: `model=${name}>${model}`, refusal, isStandIn: true }] : [] }
  }

  /** The first name of a served model that the key may have; else the first name. */
  firstAllowed(names: readonly [string, ...string[]]): string {
    const [config, nowMs] = [this.#c.get('config'), Date.now()]
    const resolve = modelResolver(config, nowMs)
    const isAllowed = (name: string): boolean => {
      const model = resolve(name)
      return model !== undefined && !refuseModel(model, this.#limits, resolve)
    }
    return names.find(isAllowed) ?? names[0]
  }

  /** Replaces the name in `model`, or the missing one, by that of the served model; the path's wins. Throws GatewayError. */
  replaceModel(fields: Record<string, unknown>): Adjustment[] {
    const { deployment } = this
    const given = fields['model'] ?? deployment ?? this.#c.get('config').defaultModel
    // The schema refuses other values with the rest of the body.
    if (typeof given !== 'string' || given.length > MAX_MODEL_NAME) return []
    const { model, adjustments } = this.model(deployment ?? given)
    fields['model'] = model
    return given === (deployment ?? given) ? adjustments : [otherModel(given, deployment ?? given), ...adjustments]
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

const otherModel = (given: string, deployment: string): Adjustment => ({
  note: `model=${given}>${deployment}`,
  refusal: invalidParameter('model', "The path names another model. Leave 'model' out of the body."),
})

const fetchedTooLarge = (maxBytes: number): Failure => ({
  code: 'too_large',
  message: `The request and the images behind its URLs are together larger than ${maxBytes} bytes. Send fewer of them.`,
})
