import { MIB, base64Length, pieces } from './picture.ts'
import type { Post } from './post.ts'

/** A request to a Worker that has no address yet. */
export type Demand = Omit<Post, 'url'> & { path: string }

/** The pattern of many requests. `__ROUND__` and `__ORDINAL__` in its body become numbers, so that each is another one. */
export interface Repeated {
  path: string
  headers: Record<string, string>
  body: string
  expected: Post['expected']
}

export const GATEWAY_KEY = 'the-static-key-of-the-benchmark'

/** The size of the pictures of most figures in bytes: that of a 1024x1024 PNG. */
export const PICTURE_BYTES = 1.5 * MIB

const JSON_HEADERS = { 'content-type': 'application/json' }
const KEY_HEADERS = { authorization: `Bearer ${GATEWAY_KEY}` }

const question = (prompt: string, given: Record<string, unknown>): string =>
  JSON.stringify({ model: 'gpt-image-2', prompt, ...given })

/** Requests pictures from the gateway in a `response_format`, with an expected `x-cache`. */
export function generation(
  prompt: string,
  cache: 'HIT' | 'MISS' | undefined,
  given: { response_format: 'url' | 'b64_json'; n?: number },
  bytes = PICTURE_BYTES,
): Repeated {
  const pictures = given.response_format === 'url' ? 0 : (given.n ?? 1) * base64Length(bytes)
  return {
    path: 'v1/images/generations',
    headers: { ...JSON_HEADERS, ...KEY_HEADERS },
    body: question(`${prompt} @bytes=${bytes}`, given),
    expected: { minBytes: pictures, ...(cache ? { headers: { 'x-cache': cache } } : {}) },
  }
}

/** Requests a stream of previews and their picture from the gateway, all of so many bytes. */
export function streamed(prompt: string, partials: number, bytes: number): Repeated {
  const given = { response_format: 'b64_json', stream: true, partial_images: partials }
  return {
    path: 'v1/images/generations',
    headers: { ...JSON_HEADERS, ...KEY_HEADERS },
    body: question(`${prompt} @bytes=${bytes}`, given),
    expected: { minBytes: (partials + 1) * base64Length(bytes), headers: { 'content-type': 'text/event-stream' } },
  }
}

/** Requests one of the floor's figures, with a body that is read as the gateway's is. */
export function floorFigure(path: string, pictureBytes: number): Repeated {
  const expected = { minBytes: base64Length(pictureBytes) }
  const body = question(`__ROUND__ __ORDINAL__ @bytes=${PICTURE_BYTES}`, { response_format: 'b64_json' })
  return { path, headers: JSON_HEADERS, body, expected }
}

/** The same as a request that is made once. */
export function once({ body, ...rest }: Repeated): Demand {
  return { ...rest, body: [body], bodyBytes: Buffer.byteLength(body) }
}

/** Makes the floor call R2 as for pictures of so many bytes. */
export function floorStore(pictures: number, bytes: number): Demand {
  return once({
    path: 'store',
    headers: JSON_HEADERS,
    body: JSON.stringify({ pictures, bytes }),
    expected: { minBytes: 0 },
  })
}

/** Gives the floor the picture of its hits. */
export const floorPicture = (): Demand => ({
  path: 'prepare',
  headers: {},
  body: [...pieces(PICTURE_BYTES)],
  bodyBytes: PICTURE_BYTES,
  expected: { minBytes: 0 },
})

/** Uploads files to the floor in a body without anything else. */
export const floorUpload = (files: number, bytes: number): Demand => ({
  path: 'upload',
  headers: {},
  body: filesOf(files, bytes).flat(),
  bodyBytes: files * bytes,
  expected: { minBytes: 0 },
})

/** Uploads files to the gateway for an edit. */
export function edit(files: number, bytes: number): Demand {
  const boundary = 'the-boundary-of-the-benchmark'
  const part = (disposition: string): string => `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n`
  const fields = { model: 'gpt-image-2', prompt: 'an edit @bytes=1024', response_format: 'url' }
  const texts = Object.entries(fields).map(([name, value]) => `${part(`name="${name}"`)}\r\n${value}\r\n`)
  const body = [
    ...texts,
    ...filesOf(files, bytes).flatMap((file, index) => [
      `${part(`name="image[]"; filename="${index}.png"`)}content-type: image/png\r\n\r\n`,
      ...file,
      '\r\n',
    ]),
    `--${boundary}--\r\n`,
  ]
  return {
    path: 'v1/images/edits',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, ...KEY_HEADERS },
    body,
    bodyBytes: body.reduce((sum, piece) => sum + piece.length, 0),
    expected: { minBytes: 0 },
  }
}

/** The pieces of each file; the last byte differs, or all would be the same input. */
const filesOf = (files: number, bytes: number): Buffer[][] =>
  Array.from({ length: files }, (_, index) => [...pieces(bytes - 1), Buffer.of(index)])
