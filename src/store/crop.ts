import type { Pixels } from '../catalog/sizes'
import { withDeadline } from '../runtime/deadline'
import type { StoredImage } from '../image/record'
import { describe, log } from '../runtime/log'
import { readStream } from '../streams/bytes'
import { openImage, putImage, removeImages } from './images'

/** What the platform's Images binding writes, of what it is given; a GIF may be animated, and is left alone. */
const CROPPED_FORMATS = ['image/png', 'image/jpeg', 'image/webp'] as const

/** What takes longer is given up, in ms: the picture as it was made is there. */
const CROP_TIMEOUT_MS = 30_000

/** What a picture is to be cropped to. */
export interface CropTarget extends Pixels {
  /** 1 to 100, of what is written in a format that has one. */
  quality: number
}

/**
 * Crops a stored picture, scaled down as far as it can be, in its own format, and stores what comes of that besides; undefined
 * where it is not larger, or that cannot be done, or is cancelled. Never throws.
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
  { width, height, quality }: CropTarget,
  signal: AbortSignal,
): Promise<StoredImage | undefined> {
  const format = CROPPED_FORMATS.find((each) => each === picture.mediaType)
  if (!format) return undefined
  const { TRANSFORMS: transforms } = env
  const info = await transforms.info(await openStored(env, picture))
  if (!('width' in info) || !isLarger(info, { width, height })) return undefined
  const input = transforms.input(await openStored(env, picture))
  // A PNG that is given a quality is written with fewer colours.
  const output = format === 'image/png' ? { format } : { format, quality }
  const result = await input.transform({ width, height, fit: 'crop' }).output(output)
  if (signal.aborted) return undefined
  const stored = await putImage(env.IMAGES, { ...place, run: `${place.run}c` }, readStream(result.image()))
  if (!signal.aborted) return stored
  // Nobody waits for it any more.
  await removeImages(env.IMAGES, [stored.key])
  return undefined
}

/** Whether one can be cut out of the other, and is not all of it. */
const isLarger = (picture: Pixels, cut: Pixels): boolean =>
  picture.width >= cut.width &&
  picture.height >= cut.height &&
  (picture.width > cut.width || picture.height > cut.height)

async function openStored(env: Env, { key }: StoredImage): Promise<ReadableStream<Uint8Array>> {
  const object = await openImage(env.IMAGES, key)
  if (!object) throw new Error('the picture is gone')
  return object.body
}
