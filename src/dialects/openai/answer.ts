import type { ImageRecord, Usage } from '../../image/record'

/** What is said of a picture besides itself, in an answer or an event (protocols §1.5, §2.3). */
export const facts = ({
  background,
  format,
  quality,
  size,
}: Pick<ImageRecord, 'background' | 'format' | 'quality' | 'size'>): Record<string, unknown> => ({
  background,
  output_format: format,
  quality,
  size,
})

/** Of what kind tokens are, where that is known. */
export const tokenDetails = (counts: Usage['inputDetails']): Record<string, number> | undefined =>
  counts && { text_tokens: counts.text, image_tokens: counts.image }

/** A moment, in ms since 1970, as the API tells it. */
export const seconds = (ms: number): number => Math.floor(ms / 1000)
