import type * as z from 'zod'
import type { Model } from '../catalog/model'
import type { Prices } from '../catalog/prices'
import type { ErrorCode, Failure } from '../runtime/errors'
import type { ImageRequest, InputImage } from '../image/request'
import type { Usage } from '../image/record'
import type { Bytes } from '../streams/bytes'

/** One credential of a configured upstream: where a request can be sent, and as whom. */
export interface Upstream {
  /** The name given to it in the settings. */
  name: string
  provider: Provider
  /** Which of its credentials this is, from 0. */
  account: number
  credential: string
  /** Without a trailing slash. */
  baseUrl: string
  /** The binding in place of an address and a credential, for a provider with `bound`. */
  binding?: unknown
  /** What it serves: ours, as a name or a pattern ending in `*`, and theirs where it differs. */
  models: { ours: string; theirs?: string }[]
  /** Lower comes first. */
  priority: number
  /** How many of the requests of its priority it is sent, relative to the others. */
  weight: number
  /** How many requests it is sent at once, and in a minute, at most; undefined: as many as come. */
  maxConcurrency?: number | undefined
  requestsPerMinute?: number | undefined
  /** Serves only the models that nothing else serves: its pictures are not what a failure should turn into. */
  isFallback: boolean
  /** How long one call may take from first byte to last, in ms. */
  timeoutMs: number
  /** Options of the provider's own, which it checks itself. */
  options?: unknown
  /** What it charges itself, by our name of a model; what is not in it costs what the model costs. */
  prices: ReadonlyMap<string, Prices>
}

/** What a provider is handed besides the request. */
export interface Work {
  /** The model by the upstream's own name for it. */
  model: string
  /** Aborted at the deadline. */
  signal: AbortSignal
  /** Reads an input picture's bytes. */
  open: (input: InputImage) => Promise<ReadableStream<Uint8Array>>
  /** The upstream's own job of this request, which an earlier process began: it is asked about, not begun anew. */
  job?: string | undefined
  /** Fetches a picture that an answer names, as `image/source.ts` allows. */
  download: (url: string) => Bytes
}

/** What an upstream tells on its way to an answer, whatever its wire format. */
export type ProviderEvent =
  /** It took the request; its own ids, for audits, and of a job that can be asked about again. */
  | {
      type: 'accepted'
      requestId?: string | undefined
      organization?: string | undefined
      job?: string | undefined
    }
  /** How far it is, by its own account, from 0 to 100. */
  | { type: 'progress'; percent: number }
  /** A preview of a picture: the `partial`th of it, from 0; its bytes are to be read before the next event is asked for. */
  | { type: 'partial'; index: number; partial: number; bytes: Bytes }
  /**
   * One picture; its bytes are to be read before the next event is asked for. They may end by throwing Withdrawn: it is then
   * as if the event had never been.
   */
  | { type: 'image'; index: number; bytes: Bytes }
  /** What it said of the whole, once all pictures have passed. */
  | { type: 'summary'; summary: Summary }

export interface Summary {
  usage?: Usage | undefined
  /** What it charged, by its own account, in micro-USD. */
  cost?: number | undefined
  size?: string | undefined
  quality?: string | undefined
  background?: string | undefined
  format?: string | undefined
  /** By the index of the picture. */
  revisedPrompts?: (string | undefined)[]
}

/** A request for a text model, which a provider passes on as it is. */
export interface TextRequest {
  /** Under the base URL. */
  path: string
  /** What its client said of the body, and of the answer that it takes. */
  headers: Record<string, string>
  body: ReadableStream<Uint8Array>
}

/** An upstream's answer to that, of which the first bytes have come. */
export interface TextAnswer {
  status: number
  contentType: string | undefined
  bytes: Bytes
  /** Its own ids, for audits. */
  requestId: string | undefined
  organization: string | undefined
}

/** One upstream API, spoken in one file. */
export interface Provider {
  id: string
  /**
   * Where it is found and what it serves when only its secret is configured, as `models` of the settings says it. Its
   * `priority` is 0 where that is not said: whoever sells others' models comes after those who make them.
   */
  wellKnown?: { secret: string; baseUrl: string; models: string[]; priority?: number }
  /**
   * What it serves where each account has an address of its own, and what that looks like; or where the platform binds it,
   * as `AI`, in the place of an address and a credential.
   */
  bound?: { binding: string; schema: z.ZodType; baseUrl: string; models: string[] }
  /** Whether its images are placeholders: it serves only models that no other upstream serves, when a setting turns it on. */
  isFallback?: true
  /** The models that are found nowhere else, by our names for them. */
  models?: Readonly<Record<string, Model>>
  /**
   * Of what a model can do, what can be asked for through this API under its own name for the model, and at this base URL
   * where it has several generations; all of it where this is missing.
   */
  capability?(model: Model, theirs: string, baseUrl?: string): Model
  /**
   * Makes the pictures of a request, which asks for nothing that `capability` does not tell, and for no more pictures than
   * one call makes. Throws ProviderError, or once it is stopped the reason of that.
   */
  generate(request: ImageRequest, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void>
  /** Has it stop a job that nobody waits for any more, which may be billed as far as it is done. Throws ProviderError. */
  cancel?(job: string, upstream: Upstream, signal: AbortSignal): Promise<void>
  /** Passes a request for a text model on, where the upstream serves such models. Throws ProviderError. */
  pass?(request: TextRequest, upstream: Upstream, signal: AbortSignal): Promise<TextAnswer>
}

/**
 * What an upstream's failure means for what follows:
 * `rejected` – the request's own fault, so stop; `throttled` – too many for this account, so the next one;
 * `unavailable` – out of order, so the next one; `misconfigured` – ours to mend, so the next one;
 * `lost` – paid for but unreadable, so at most one more try.
 */
export type ProviderErrorKind = 'rejected' | 'throttled' | 'unavailable' | 'misconfigured' | 'lost'

interface ProviderErrorFacts {
  /** What the caller is told, where the kind alone does not say it. */
  failure?: Failure | undefined
  /** The code for the caller, where it is not the kind's usual one. */
  code?: ErrorCode | undefined
  retryAfterMs?: number | undefined
  /** Whether only this model is out of its reach, and the account is as good as ever for others. */
  ofModel?: true | undefined
  /** Whether it may come of what was asked for, so that it tells nothing of the account. */
  ofRequest?: true | undefined
  /** The upstream's HTTP status. */
  status?: number | undefined
  /** The upstream's own id of the failed request, and whose it was. */
  requestId?: string | undefined
  organization?: string | undefined
}

/** An upstream failed; the message is for the log and holds nothing that the upstream's body said. */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind
  readonly facts: ProviderErrorFacts

  constructor(kind: ProviderErrorKind, message: string, facts: ProviderErrorFacts = {}, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
    this.facts = facts
  }
}

/** What has passed as a picture turned out to be none of the answer's. */
export class Withdrawn extends ProviderError {
  constructor() {
    super('unavailable', 'took a picture back')
  }
}
