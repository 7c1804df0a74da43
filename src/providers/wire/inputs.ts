import { refusing } from '../../failures/refuse'
import { extensionOf } from '../../image/media-type'
import type { ImageRequest, InputImage } from '../../image/request'
import { UnusableMask, whiteMask } from '../../image/white-mask'
import { readStream } from '../../streams/bytes'
import type { FormFile } from '../../streams/form'
import { EmbeddedFile } from '../../streams/json-body'
import { ProviderError, type Work } from '../provider'

/** The strength of an edit, from 0 to 1, for APIs that require one. */
export const DEFAULT_STRENGTH = 0.5

/** An input picture as a file of a form. */
export const inputFile = (name: string, image: InputImage, work: Work): FormFile => ({
  name,
  filename: `${name.replace('[]', '')}.${extensionOf(image.mediaType)}`,
  mediaType: image.mediaType,
  bytes: image.bytes,
  open: () => work.open(image),
})

/** An input picture as base64 in JSON. */
export const inputBase64 = (image: InputImage, work: Work): EmbeddedFile =>
  new EmbeddedFile({ bytes: image.bytes, open: () => work.open(image) })

/** An input picture as a data URL in JSON. */
export const inputDataUrl = (image: InputImage, work: Work): EmbeddedFile =>
  new EmbeddedFile({ bytes: image.bytes, open: () => work.open(image) }, `data:${image.mediaType};base64,`)

/**
 * Replaces the mask of a request by one with white for the part to edit. The new `work` reads it.
 * A JPEG has no transparency, so it counts as such a mask already. Throws ProviderError.
 */
export async function withWhiteMask(request: ImageRequest, work: Work): Promise<{ request: ImageRequest; work: Work }> {
  const { mask } = request
  if (!mask || mask.mediaType === 'image/jpeg') return { request, work }
  const white = await whiteMaskOf(mask, work)
  if (!white) return { request, work }
  const made = { ...mask, mediaType: 'image/png', bytes: white.length }
  const open = async (image: InputImage): Promise<ReadableStream<Uint8Array>> =>
    image === made ? new Blob([white]).stream() : await work.open(image)
  return { request: { ...request, mask: made }, work: { ...work, open } }
}

async function whiteMaskOf(mask: InputImage, work: Work): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await whiteMask(readStream(await work.open(mask)))
  } catch (error) {
    if (!(error instanceof UnusableMask)) throw error
    const failure = refusing({ reason: 'unusable_mask', field: 'mask', why: error.message })
    throw new ProviderError('rejected', 'does not take this mask', { failure }, { cause: error })
  }
}
