import { extensionOf, sniff } from '../image/media-type'
import type { StoredImage } from '../image/record'
import { type Bytes, capped } from '../streams/bytes'
import { READ_MS, withRetries } from './retries'
import { type Around, upload } from './upload'

/** The bytes are not an image of a supported format. */
export class NotAnImage extends Error {
  /** The kind of the file, as the end of a sentence; undefined for an unknown one. */
  readonly kind: string | undefined

  constructor(kind?: string) {
    super('the bytes are not an image')
    this.kind = kind
  }
}

/** The bytes of a picture did not end. */
export class EndlessPicture extends Error {
  constructor() {
    super(`the picture is longer than ${MAX_PICTURE_BYTES} bytes`)
  }
}

/** Far above the largest picture of any model. */
const MAX_PICTURE_BYTES = 256 * 1024 * 1024

const IMAGE_PREFIX = 'images/'
/** Previews have no links and are removed soon after the picture is made. */
const PARTIAL_PREFIX = 'partials/'

/** Each run of a generation has its own keys, so that the object under a key never changes. */
const imageKey = (place: ImagePlace, extension: string): string =>
  `${IMAGE_PREFIX}${place.generation}/${place.run}-${place.index}.${extension}`

interface ImagePlace {
  generation: string
  run: string
  index: number
}

/** Stores a finished picture unchanged. Throws NotAnImage, StoreError, and the errors of the bytes. */
export const putImage = (bucket: R2Bucket, place: ImagePlace, bytes: Bytes, around?: Around): Promise<StoredImage> =>
  putPicture(bucket, bytes, (extension) => imageKey(place, extension), around)

/** Stores a preview, which `removePartials` removes. Throws as `putImage` does. */
export const putPartial = (
  bucket: R2Bucket,
  { generation, run, index }: ImagePlace,
  partial: number,
  bytes: Bytes,
  around?: Around,
): Promise<StoredImage> =>
  putPicture(
    bucket,
    bytes,
    (extension) => `${PARTIAL_PREFIX}${generation}/${run}-${index}-${partial}.${extension}`,
    around,
  )

async function putPicture(
  bucket: R2Bucket,
  bytes: Bytes,
  keyWith: (extension: string) => string,
  around?: Around,
): Promise<StoredImage> {
  const choose = (first: Uint8Array): { key: string; mediaType: string } => {
    const mediaType = sniff(first)
    if (!mediaType) throw new NotAnImage()
    return { key: keyWith(extensionOf(mediaType)), mediaType }
  }
  return await upload(
    bucket,
    capped(bytes, MAX_PICTURE_BYTES, () => new EndlessPicture()),
    choose,
    around,
  )
}

/** The picture under a key, or a range of it. Null when it was deleted. Throws StoreError. */
export const openImage = (bucket: R2Bucket, key: string, range?: R2Range): Promise<R2ObjectBody | null> =>
  withRetries(() => bucket.get(key, range ? { range } : {}), { deadlineMs: READ_MS })

/** The metadata of the picture under a key. Null when it was deleted. Throws StoreError. */
export const headImage = (bucket: R2Bucket, key: string): Promise<R2Object | null> =>
  withRetries(() => bucket.head(key), { deadlineMs: READ_MS })

/**
 * The key of the first picture that the generation stored from `sinceMs` on. Without one, the first picture of the
 * newest run. Throws StoreError.
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

/** Entries of a ledger with at most 1,000 pictures together, ten each. R2 removes that many at once (platform §1). */
export const ENTRIES_AT_ONCE = 100

/** Removes up to 1,000 pictures. Missing ones are ignored. Throws StoreError. */
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

/** Removes the pictures of runs that begin with `place.run`, except the `kept` ones. Throws StoreError. */
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

/** The generation and the run of a key. */
export function runOfKey(key: string): { generation: string; run: string } | undefined {
  const [, generation, run] = /^images\/([^/]+)\/([^/-]+)-\d+\.\w+$/.exec(key) ?? []
  return generation && run ? { generation, run } : undefined
}

/** The path of a picture at this gateway is its key, which needs no escapes in a URL. */
export const keyOfPath = (path: string): string | undefined =>
  path.startsWith(`/${IMAGE_PREFIX}`) ? path.slice(1) : undefined
