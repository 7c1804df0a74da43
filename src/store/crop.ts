import type { Pixels } from '../catalog/sizes'
import { withDeadline } from '../runtime/deadline'
import type { StoredImage } from '../image/record'
import { describe, log } from '../runtime/log'
import { readStream } from '../streams/bytes'
import { openImage, putImage, removeImages } from './images'

/** Formats that the Images binding can write again. A GIF is left out, because it may be animated. */
const CROPPED_FORMATS = ['image/png', 'image/jpeg', 'image/webp'] as const

/** The time limit in ms. After it the uncropped picture is used. */
const CROP_TIMEOUT_MS = 30_000

/** The size and the quality of a crop. */
export interface CropTarget extends Pixels {
  /** Whether a smaller picture is scaled up. Without that, it stays as it was made. */
  isEnlarged: boolean
  /** 1 to 100, for formats with a quality. */
  quality: number
}

/**
 * Scales and crops a stored picture in its own format, and stores the result separately.
 * Undefined for a picture that needs no change, after a failure, and after `cancel`. Never throws.
 */
export async function cropImage(
  env: Env,
  picture: StoredImage,
  place: Parameters<typeof putImage>[1],
  cut: CropTarget,
  cancel: AbortSignal,
): Promise<StoredImage | undefined> {
  try {
    return await withDeadline(CROP_TIMEOUT_MS, (signal) => cropAndStore(env, picture, place, cut, signal), cancel)
  } catch (error) {
    log('picture-not-cropped', { key: picture.key, ...describe(error) })
    return undefined
  }
}

async function cropAndStore(
  env: Env,
  picture: StoredImage,
  place: Parameters<typeof putImage>[1],
  { width, height, quality, isEnlarged }: CropTarget,
  signal: AbortSignal,
): Promise<StoredImage | undefined> {
  const format = CROPPED_FORMATS.find((each) => each === picture.mediaType)
  if (!format) return undefined
  const { TRANSFORMS: transforms } = env
  const info = await transforms.info(await openStored(env, picture))
  if (!('width' in info)) return undefined
  const isSame = info.width === width && info.height === height
  if (isSame || !(isEnlarged || isLarger(info, { width, height }))) return undefined
  const input = transforms.input(await openStored(env, picture))
  // A quality would reduce the colours of a PNG.
  const output = format === 'image/png' ? { format } : { format, quality }
  const result = await input.transform({ width, height, fit: isEnlarged ? 'cover' : 'crop' }).output(output)
  if (signal.aborted) return undefined
  const stored = await putImage(env.IMAGES, { ...place, run: `${place.run}c` }, readStream(result.image()))
  if (!signal.aborted) return stored
  // The crop was cancelled, so its result is removed.
  await removeImages(env.IMAGES, [stored.key])
  return undefined
}

/** Whether `cut` fits into the picture and is smaller. */
const isLarger = (picture: Pixels, cut: Pixels): boolean =>
  picture.width >= cut.width &&
  picture.height >= cut.height &&
  (picture.width > cut.width || picture.height > cut.height)

async function openStored(env: Env, { key }: StoredImage): Promise<ReadableStream<Uint8Array>> {
  const object = await openImage(env.IMAGES, key)
  if (!object) throw new Error('the picture is not in R2')
  return object.body
}
