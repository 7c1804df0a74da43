import type { Prices } from './prices'
import type { Sizes } from './sizes'
import type { TokenEstimate } from './tokens'

/** The abilities and the price of a model. A missing list means unknown: the upstream decides. */
export interface Model {
  sizes: Sizes
  qualities?: readonly string[]
  backgrounds?: readonly string[]
  /** The first one replaces the default format if the model lacks that. */
  formats?: readonly string[]
  /** Formats for one picture at a time. */
  soleFormats?: readonly string[]
  moderations?: readonly string[]
  /** The values of `input_fidelity` for edits. */
  inputFidelities?: readonly string[]
  /** The supported ones of the parameters that only some models have. */
  extras?: readonly string[]
  /** The types of input pictures besides PNG, JPEG and WebP. */
  inputTypes?: readonly string[]
  /** The limit of input pictures of a request. */
  maxInputs?: number
  /** The limit of pictures of one call. A request for more takes several calls. */
  maxImages?: number
  /** Whether the model takes `output_compression`. */
  compression?: boolean
  /** Whether an edit may have a mask. */
  mask?: boolean
  /** Whether an edit may have an overlay picture (`markup`). */
  markup?: boolean
  /** Whether the model takes `style`, or the list of its styles. */
  style?: boolean | readonly string[]
  /** The maker's prices. */
  prices?: Prices
  /** The expected tokens of a request. */
  tokens?: TokenEstimate
  /** The day of its release in UTC, as `YYYY-MM-DD`. */
  released?: string
  /** The maker's shutdown. It belongs to the name; a model `like` this one does not inherit it. */
  shutdown?: Shutdown
}

export interface Shutdown {
  /** The first day without the model, in UTC, as `YYYY-MM-DD`. */
  date: string
  successor: string
}

/** Looks up a model by its name. */
export type Catalogue = (name: string) => Model
