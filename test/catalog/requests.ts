import type { SizeFitting } from '../../src/catalog/fit-size'
import { failureInWords } from '../../src/failures/words'
import type { WordedFailure } from '../../src/failures/errors'
import { catalogueOf } from '../../src/upstreams/catalogue'
import { DEFAULTS, type ImageRequest, type InputImage } from '../../src/image/request'

/** The built-in models, without settings. */
export const catalogue = catalogueOf({})

export const PICTURE: InputImage = { key: 'inputs/a', sha256: 'a', bytes: 1000, mediaType: 'image/png' }

/** A request for a model, with defaults for all that is not given; its prompt counts as 2 tokens. */
export const asking = (model: string, said: Partial<ImageRequest> = {}): ImageRequest => ({
  operation: 'generate',
  model,
  prompt: 'A cat.',
  ...DEFAULTS,
  extras: {},
  images: [],
  partials: 0,
  ...said,
})

type WordedFitting = { size: string; refusal?: WordedFailure } | { refusal: WordedFailure }

/** A fitted size with its refusal in the words of OpenAI's Images API. */
export function inWords(fitting: SizeFitting): WordedFitting {
  if (!('size' in fitting)) return { refusal: failureInWords(fitting.refusal) }
  const { size, refusal } = fitting
  return refusal ? { size, refusal: failureInWords(refusal) } : { size }
}
