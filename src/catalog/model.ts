import type { Prices } from './prices'
import type { Sizes } from './sizes'
import type { TokenEstimate } from './tokens'

/** What a model can do and costs. A list that is missing means that nothing is known, and its upstream decides. */
export interface Model {
  sizes: Sizes
  qualities?: readonly string[]
  backgrounds?: readonly string[]
  /** The first is what it makes where it does not make the usual one. */
  formats?: readonly string[]
  /** Of the formats, those in which it makes one picture at a time, out of words alone. */
  soleFormats?: readonly string[]
  moderations?: readonly string[]
  /** The values of `input_fidelity`, on edits. */
  inputFidelities?: readonly string[]
  /** Which of the parameters that only some models know are taken. */
  extras?: readonly string[]
  /** How many pictures may come with a request. */
  maxInputs?: number
  /** How many pictures one call of its upstream makes; a request for more is made by several. */
  maxImages?: number
  /** Whether `output_compression` is taken. */
  compression?: boolean
  /** Whether a mask may come with an edit. */
  mask?: boolean
  /** Whether an overlay image (`markup`) may come with an edit. */
  markup?: boolean
  /** Whether `style` is taken, in words of its upstream's own; which those are, where there is an end to them. */
  style?: boolean | readonly string[]
  /** What its maker asks for it. */
  prices?: Prices
  /** How many tokens a request is expected to use. */
  tokens?: TokenEstimate
  /** When its maker shuts it down, and who stands in for it from then on; it is the name's, and nothing `like` it has it. */
  shutdown?: Shutdown
}

export interface Shutdown {
  /** The first day on which it is gone, in UTC, as `YYYY-MM-DD`. */
  date: string
  successor: string
}

/** What is known of a model, by its name. */
export type Catalogue = (name: string) => Model
