import { extensionOf, sniff } from '../image/media-type'
import type { StoredImage } from '../image/record'
import type { Bytes } from '../streams/bytes'
import { withRetries } from './retries'
import { upload } from './upload'

/** The bytes are no picture of a kind that we know. */
export class NotAnImage extends Error {
  constructor() {
    super('the bytes are not an image')
  }
}

const IMAGE_PREFIX = 'images/'
/** Previews are nobody's to keep: no link shows them, and they go soon after the picture is made. */
const PARTIAL_PREFIX = 'partials/'

/** Each run of a generation has keys of its own, so that the object behind a key never changes. */
const imageKey = (place: ImagePlace, extension: string): string =>
  `${IMAGE_PREFIX}${place.generation}/${place.run}-${place.index}.${extension}`

interface ImagePlace {
  generation: string
  run: string
  index: number
}

/** Stores a finished picture, byte for byte. Throws NotAnImage, StoreError, and what reading the bytes throws. */
export const putImage = (bucket: R2Bucket, place: ImagePlace, bytes: Bytes): Promise<StoredImage> =>
  putPicture(bucket, bytes, (extension) => imageKey(place, extension))

/** Stores a preview, which `removePartials` removes. Throws likewise. */
export const putPartial = (
  bucket: R2Bucket,
  { generation, run, index }: ImagePlace,
  partial: number,
  bytes: Bytes,
): Promise<StoredImage> =>
  putPicture(bucket, bytes, (extension) => `${PARTIAL_PREFIX}${generation}/${run}-${index}-${partial}.${extension}`)

async function putPicture(
  bucket: R2Bucket,
  bytes: Bytes,
  keyWith: (extension: string) => string,
): Promise<StoredImage> {
  return await upload(bucket, bytes, (first) => {
    const mediaType = sniff(first)
    if (!mediaType) throw new NotAnImage()
    return { key: keyWith(extensionOf(mediaType)), mediaType }
  })
}

/** The picture under a key, or a part of it; null where it was deleted. Throws StoreError. */
export const openImage = (bucket: R2Bucket, key: string, range?: R2Range): Promise<R2ObjectBody | null> =>
  withRetries(() => bucket.get(key, range ? { range } : {}))

/** What is known of the picture under a key without reading it; null where it was deleted. Throws StoreError. */
export const headImage = (bucket: R2Bucket, key: string): Promise<R2Object | null> =>
  withRetries(() => bucket.head(key))

/**
 * The first picture that a run of a generation has stored from a moment on, in ms since 1970; where none has, the first one
 * of the newest run. Throws StoreError.
 */
export async function firstKeySince(
  bucket: R2Bucket,
  generation: string,
  sinceMs: number,
): Promise<string | undefined> {
  const { objects } = await withRetries(() => bucket.list({ prefix: `${IMAGE_PREFIX}${generation}/` }))
  const stored = objects
    .filter(({ key }) => /-0\.\w+$/.test(key))
    .map(({ key, uploaded }) => ({ key, atMs: uploaded.getTime() }))
    .toSorted((a, b) => a.atMs - b.atMs)
  return (stored.find(({ atMs }) => atMs >= sinceMs) ?? stored.at(-1))?.key
}

/** As many entries of a ledger as have no more pictures together than R2 removes at once, at ten each (platform §1). */
export const ENTRIES_AT_ONCE = 100

/** Removes pictures, at most 1,000 at a time; those that are gone already do no harm. Throws StoreError. */
export async function removeImages(bucket: R2Bucket, keys: readonly string[]): Promise<void> {
  if (keys.length > 0) await withRetries(() => bucket.delete([...keys]))
}

/** Removes the previews of a generation. Throws StoreError. */
export async function removePartials(bucket: R2Bucket, generation: string): Promise<void> {
  const { objects } = await withRetries(() => bucket.list({ prefix: `${PARTIAL_PREFIX}${generation}/` }))
  await removeImages(
    bucket,
    objects.map(({ key }) => key),
  )
}

/** Removes what runs of a generation whose ids begin like this have stored, but for what is to be kept. Throws StoreError. */
export async function removeRunImages(
  bucket: R2Bucket,
  place: Omit<ImagePlace, 'index'>,
  kept: readonly string[],
): Promise<void> {
  const { objects } = await withRetries(() =>
    bucket.list({ prefix: `${IMAGE_PREFIX}${place.generation}/${place.run}` }),
  )
  await removeImages(
    bucket,
    objects.map(({ key }) => key).filter((key) => !kept.includes(key)),
  )
}

/** The generation and the run that a key belongs to. */
export function runOfKey(key: string): { generation: string; run: string } | undefined {
  const [, generation, run] = /^images\/([^/]+)\/([^/-]+)-\d+\.\w+$/.exec(key) ?? []
  return generation && run ? { generation, run } : undefined
}

/** A picture's path on this gateway is its key, which has no character that a URL would escape. */
export const keyOfPath = (path: string): string | undefined =>
  path.startsWith(`/${IMAGE_PREFIX}`) ? path.slice(1) : undefined
