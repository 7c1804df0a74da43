import * as z from 'zod'
import type { Model } from '../catalog/model'
import type { Prices } from '../catalog/prices'
import type { ErrorCode, Failure } from '../failures/errors'
import type { ImageRequest, InputImage } from '../image/request'
import { usageSchema } from '../image/record'
import type { Bytes } from '../streams/bytes'

/** One account of a configured upstream: its address and its credential. */
export interface Upstream {
  /** The name in the settings. */
  name: string
  provider: Provider
  /** The number of the account in its upstream, from 0. */
  account: number
  credential: string
  /** Without a trailing slash. */
  baseUrl: string
  /** The binding in place of an address and a credential, for a provider with `bound`. */
  binding?: unknown
  /** The served models: the gateway's name, or a pattern that ends in `*`, and the upstream's name if it differs. */
  models: { ours: string; theirs?: string }[]
  /** Lower comes first. */
  priority: number
  /** The share of requests among upstreams of one priority. */
  weight: number
  /** The limits of requests at once and per minute. Undefined means unlimited. */
  maxConcurrency?: number | undefined
  requestsPerMinute?: number | undefined
  /** Serves only models without another upstream. A failure elsewhere does not lead here. */
  isFallback: boolean
  /** The limit of one call from first byte to last, in ms. */
  timeoutMs: number
  /** The provider's own options. The provider checks them. */
  options?: unknown
  /** The upstream's own prices by the gateway's model name. The model's prices apply to the rest. */
  prices: ReadonlyMap<string, Prices>
}

/** The context of one call to a provider. */
export interface Work {
  /** The upstream's name of the model. */
  model: string
  /** Aborted at the deadline. */
  signal: AbortSignal
  /** Reads the bytes of an input picture. */
  open: (input: InputImage) => Promise<ReadableStream<Uint8Array>>
  /** The id of a job that an earlier process submitted. The provider reads that job and submits none. */
  job?: string | undefined
  /** The gateways that the request has passed, for the upstream's header. */
  hops?: string | undefined
  /**
   * Fetches a picture that an answer names, within the rules of `image/source.ts`. Its address may be relative to the
   * upstream's base URL. A link comes from a field for pictures by default.
   */
  download: (link: string, source?: LinkSource) => Bytes
}

/** The place of a link in an answer. */
export interface LinkSource {
  /** Whether the link stands in free words, which a prompt can steer. It gets no credential and no private host. */
  isFromWords: boolean
}

/** An event on the way to an answer, in any wire format. */
export type ProviderEvent =
  /** The upstream took the request. Its ids are for audits; `job` can be read again by a later process. */
  | {
      type: 'accepted'
      requestId?: string | undefined
      organization?: string | undefined
      job?: string | undefined
      /** The charge that it tells beforehand, in micro-USD. That of a summary replaces it. */
      cost?: number | undefined
    }
  /** The upstream's own progress, from 0 to 100. */
  | { type: 'progress'; percent: number }
  /** The `partial`th preview of a picture, from 0. Its bytes are read before the next event. */
  | { type: 'partial'; index: number; partial: number; bytes: Bytes }
  /** One picture. Its bytes are read before the next event. A Withdrawn at their end cancels the event. */
  | { type: 'image'; index: number; bytes: Bytes }
  /** Facts about the whole answer, after all pictures. */
  | { type: 'summary'; summary: Summary }

export const summarySchema = z.object({
  usage: usageSchema.optional(),
  /** The usage that each of several pictures came with. It may be that of the whole answer, repeated. */
  usageOfEach: usageSchema.optional(),
  /** The upstream's own charge in micro-USD. */
  cost: z.number().optional(),
  size: z.string().optional(),
  quality: z.string().optional(),
  background: z.string().optional(),
  format: z.string().optional(),
  /** By the index of the picture. */
  revisedPrompts: z.array(z.string().optional()).exactOptional(),
  /** The pictures that one call makes at most, if the answer shows that it makes fewer than asked. */
  mostPerCall: z.number().optional(),
})
export type Summary = z.infer<typeof summarySchema>

/** The charge of an answer as the upstream reports it. */
export type Spent = Pick<Summary, 'cost' | 'usage'>

/** A request for a text model. A provider passes it on unchanged. */
export interface TextRequest {
  /** The path under the base URL. */
  path: string
  /** The client's headers about the body and the answer's type. */
  headers: Record<string, string>
  body: ReadableStream<Uint8Array>
}

/** The upstream's answer, after its first bytes arrived. */
export interface TextAnswer {
  status: number
  contentType: string | undefined
  bytes: Bytes
  /** The upstream's own ids, for audits. */
  requestId: string | undefined
  organization: string | undefined
}

/** One upstream API. Each file implements one. */
export interface Provider {
  id: string
  /**
   * The base URL and the models of an upstream with only its secret configured. `models` is written as in the settings.
   * `priority` is 0 by default and 1 for resellers, so that makers come first.
   */
  wellKnown?: { secret: string; baseUrl: string; models: string[]; priority?: number }
  /**
   * The models of an API with one base URL for each account, and an example of that URL. The platform's binding `AI`
   * can replace URL and credential.
   */
  bound?: { binding: string; schema: z.ZodType; baseUrl: string; models: string[] }
  /** The headers with an account's credential, which a picture at its own origin may want. */
  account?(upstream: Upstream): Record<string, string>
  /** The parameters of a query that its base URL may have. */
  baseUrlQuery?: readonly string[]
  /** Whether its images are placeholders. A setting turns it on, for models without another upstream. */
  isFallback?: true
  /** Models of this provider alone, by the gateway's names. */
  models?: Readonly<Record<string, Model>>
  /**
   * Narrows a model to the abilities that this API offers under the upstream's name. `baseUrl` tells apart generations
   * of one API. Without the function, a model keeps all abilities.
   */
  capability?(model: Model, theirs: string, baseUrl?: string): Model
  /**
   * Makes the pictures of a request. The request asks only for abilities within `capability`, and for one call's
   * pictures. Throws ProviderError, or the reason of an aborted signal.
   */
  generate(request: ImageRequest, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void>
  /**
   * Stops a job without subscribers. Returns whether the upstream has confirmed that it stopped and charges nothing.
   * Throws ProviderError.
   */
  cancel?(job: string, upstream: Upstream, signal: AbortSignal): Promise<boolean>
  /** Passes on a request for a text model, at upstreams with such models. Throws ProviderError. */
  pass?(request: TextRequest, upstream: Upstream, signal: AbortSignal): Promise<TextAnswer>
}

/**
 * The kind of an upstream's failure decides the next step.
 * `rejected`: a fault of the request; stop.
 * `throttled`: too many requests for this account; try the next one.
 * `unavailable`: out of order; try the next one.
 * `misconfigured`: a fault of the gateway's settings; try the next one.
 * `lost`: perhaps paid for, without a picture; try at most once more.
 */
export type ProviderErrorKind = 'rejected' | 'throttled' | 'unavailable' | 'misconfigured' | 'lost'

/**
 * The reach of a failure.
 * `request`: another request may succeed at once, so nothing is kept.
 * `model`: kept against the model; the account serves other models.
 * `place`: the upstream refuses callers from the place of the gateway.
 * `account`: kept against the account.
 */
export type ErrorScope = 'request' | 'model' | 'place' | 'account'

interface ProviderErrorFacts {
  /** The failure for the client, if the kind alone does not say it. */
  failure?: Failure | undefined
  /** The error code for the client, if it is not the usual one of the kind. */
  code?: ErrorCode | undefined
  retryAfterMs?: number | undefined
  /** `account` by default. */
  scope?: ErrorScope | undefined
  /** The group of models that a limit names, as `gpt-image`. */
  group?: string | undefined
  /** Whether a request was forbidden without a word on the credential or its money. */
  isUnexplained?: true | undefined
  /** Whether a good answer cannot be used. The same account is not asked again then. */
  isUnusable?: true | undefined
  /** Whether every account of the upstream would answer alike. No other one is asked then. */
  isOfUpstream?: true | undefined
  /** The charge and the usage that a failed call's answer reports. */
  spent?: Spent | undefined
  /** The upstream's HTTP status. */
  status?: number | undefined
  /** The upstream's id of the failed request, and the organisation that it belongs to. */
  requestId?: string | undefined
  organization?: string | undefined
}

/** A failure of an upstream. The message is for the log and quotes nothing of the upstream's body. */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind
  readonly facts: ProviderErrorFacts

  constructor(kind: ProviderErrorKind, message: string, facts: ProviderErrorFacts = {}, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
    this.facts = facts
  }
}

/** A streamed picture turned out not to be part of the answer. */
export class Withdrawn extends ProviderError {
  constructor() {
    super('unavailable', 'withdrew a picture')
  }
}
