import type { Context } from 'hono'
import type { App } from '../context'
import type { Model } from '../catalog/model'
import type { Failure } from '../failures/errors'
import type { RenderedError } from './dialect'

/** A model in a list of models. */
export interface ListedModel {
  id: string
  /** The day of its release in UTC, as `YYYY-MM-DD`. */
  released: string
  /** The day of its shutdown in UTC, as `YYYY-MM-DD`; null without one. */
  shutdownDate: string | null
  /** Whether it makes pictures; the others are text models of an upstream. */
  isImage: boolean
  /** Its abilities. */
  model: Model
}

/** The wording of `GET /models` and `GET /models/{id}`. */
export interface ModelWording {
  /** A list of models as JSON; `query` holds the parameters of the request. Throws GatewayError. */
  list: (models: readonly ListedModel[], query: Record<string, string>) => unknown
  one: (model: ListedModel) => unknown
}

/** An API with routes and error words that several dialects share. */
export interface Api {
  /** Whether a request outside of the dialects' own routes comes from a client of this API. */
  isUsedBy: (c: Context<App>) => boolean
  renderError: (failure: Failure, requestId: string) => RenderedError
  models: ModelWording
}
