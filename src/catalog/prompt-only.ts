import type { Model } from './model'

/** What an API can be asked for that has a parameter for the prompt alone; each provider says what its own has besides. */
export const PROMPT_ONLY = {
  qualities: ['auto'],
  backgrounds: ['opaque', 'auto'],
  formats: ['png'],
  moderations: ['auto'],
  inputFidelities: [],
  extras: [],
  maxInputs: 0,
  maxImages: 1,
  compression: false,
  mask: false,
  markup: false,
  style: false,
} as const satisfies Partial<Model>
