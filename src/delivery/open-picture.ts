import type { Context } from 'hono'
import type { App } from '../context'
import type { StoredImage } from '../image/record'
import { getBase64Copy, leaveBase64Copy } from '../store/base64-copies'
import { openImage } from '../store/images'
import { base64Length, writeBase64 } from '../streams/base64'
import type { ClientStream } from './client-stream'

/** Opens a picture and returns the function that sends its base64. Undefined for a missing picture. */
export type OpenPicture = (image: StoredImage) => Promise<((client: ClientStream) => Promise<void>) | undefined>

/** Opens pictures in R2. Throws StoreError. */
export const fromBucket =
  (bucket: R2Bucket): OpenPicture =>
  async ({ key }) => {
    const object = await openImage(bucket, key)
    return object ? (client) => writeBase64(object.body, client) : undefined
  }

/** Opens pictures in the cache of this data centre, or in R2, and leaves a copy once they are sent. Throws StoreError. */
export const fromEdge =
  (c: Context<App>): OpenPicture =>
  async (image) => {
    const [origin, { IMAGES }] = [c.get('origin'), c.env]
    const copy = await getBase64Copy(origin, image)
    if (copy) return (client) => client.pipe(copy, base64Length(image.bytes))
    const sendStored = await fromBucket(IMAGES)(image)
    if (!sendStored) return undefined
    return async (client) => {
      await sendStored(client)
      c.executionCtx.waitUntil(leaveBase64Copy(origin, IMAGES, image))
    }
  }
