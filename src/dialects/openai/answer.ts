import type { ImageRecord, Usage } from '../../image/record'

/** The facts beside a picture in an answer or an event (protocols §1.5, §2.3). */
export const pictureFacts = ({
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

/** Tokens by their kind; undefined if unknown. */
export const tokenDetails = (counts: Usage['inputDetails']): Record<string, number> | undefined =>
  counts && { text_tokens: counts.text, image_tokens: counts.image }

/** A moment in ms since 1970 as seconds. */
export const epochSeconds = (ms: number): number => Math.floor(ms / 1000)
