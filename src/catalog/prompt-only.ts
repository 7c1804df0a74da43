import type { Model } from './model'

/** The abilities of an API with a prompt and no other parameter. Each provider adds its own. */
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
