import { hex, sha256 } from './fake-picture.ts'

/** An error answer: the fields of its envelope, and its status. */
export interface Refusal {
  status: number
  type: string
  code: string | null
  param: string | null
  message: string
  headers?: Record<string, string>
  /** Further keys of the error object. */
  details?: Record<string, unknown>
}

export const invalidRequest = (code: string | null, param: string | null, message: string): Refusal => ({
  status: 400,
  type: 'invalid_request_error',
  code,
  param,
  message,
})

/** An input picture, as the calls record it. */
export interface SentFile {
  /** The form field, or the place in the JSON body (`images[0]`). */
  name: string
  filename: string
  type: string
  /** Its size. */
  bytes: number
  /** In lower-case hex. */
  sha256: string
}

export type Operation = 'generations' | 'edits'

/** A request's body, read but not yet checked. */
export interface Submission {
  operation: Operation
  /** Whether it came as a multipart form, with text fields only. */
  isForm: boolean
  fields: Record<string, unknown>
  files: SentFile[]
  /** The media type of each file by its first bytes; undefined for other files than PNG, JPEG and WebP. */
  formats: Map<SentFile, string | undefined>
  /** Text fields and plain file fields that came more than once. */
  repeated: string[]
}

/** Reads a body whole; rejects if the body breaks off, as a real upstream would see no request then. */
export async function readSubmission(
  request: Request,
  operation: Operation,
): Promise<{ submission: Submission } | { refusal: Refusal }> {
  const contentType = request.headers.get('content-type') ?? ''
  const bytes = await request.arrayBuffer()
  const submission = { operation, isForm: false, fields: {}, files: [], formats: new Map(), repeated: [] }
  if (/^application\/json\b/i.test(contentType)) return readJson(bytes, submission)
  if (/^multipart\/form-data\b/i.test(contentType) && operation === 'edits') {
    return readForm(bytes, contentType, { ...submission, isForm: true })
  }
  const expected = operation === 'edits' ? "'application/json' or 'multipart/form-data'" : "'application/json'"
  const message = `Invalid Content-Type header (${contentType}), expected ${expected}.`
  return { refusal: invalidRequest(null, null, message) }
}

async function readJson(
  bytes: ArrayBuffer,
  submission: Submission,
): Promise<{ submission: Submission } | { refusal: Refusal }> {
  const fields = parseObject(new TextDecoder().decode(bytes))
  if (!fields) {
    return { refusal: invalidRequest(null, null, 'We could not parse the JSON body of your request.') }
  }
  submission.fields = fields
  for (const [name, url] of imageUrls(fields)) {
    const [, type = '', text = ''] = /^data:([\w/+.-]*);base64,(.*)$/s.exec(url) ?? []
    if (!url.startsWith('data:')) continue
    await addFile(submission, { name, filename: '', type }, decode(text))
  }
  return { submission }
}

async function readForm(
  bytes: ArrayBuffer,
  contentType: string,
  submission: Submission,
): Promise<{ submission: Submission } | { refusal: Refusal }> {
  const form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData().catch(() => undefined)
  if (!form) return { refusal: invalidRequest(null, null, 'We could not parse the form of your request.') }
  const seen = new Set<string>()
  for (const [name, value] of form) {
    if (seen.has(name) && !name.endsWith('[]')) submission.repeated.push(name)
    seen.add(name)
    if (typeof value === 'string') submission.fields[name] = value
    else await addFile(submission, { name, filename: value.name, type: value.type }, await value.arrayBuffer())
  }
  return { submission }
}

async function addFile(
  submission: Submission,
  said: Pick<SentFile, 'name' | 'filename' | 'type'>,
  content: ArrayBuffer,
): Promise<void> {
  const bytes = new Uint8Array(content)
  const file = { ...said, bytes: bytes.length, sha256: hex(await sha256(bytes)) }
  submission.files.push(file)
  submission.formats.set(file, formatOf(bytes))
}

function formatOf(bytes: Uint8Array): string | undefined {
  const start = hex(bytes.subarray(0, 12))
  if (start.startsWith('89504e470d0a1a0a')) return 'png'
  if (start.startsWith('ffd8ff')) return 'jpeg'
  return /^52494646.{8}57454250$/.test(start) ? 'webp' : undefined
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Every `image_url` of a JSON edit, with its place. */
function imageUrls({ images, mask }: Record<string, unknown>): [string, string][] {
  const list: unknown[] = Array.isArray(images) ? images : []
  const places: [string, unknown][] = [
    ...list.map((item, index): [string, unknown] => [`images[${index}]`, item]),
    ['mask', mask],
  ]
  return places.flatMap(([name, item]) =>
    isObject(item) && typeof item['image_url'] === 'string' ? [[name, item['image_url']]] : [],
  )
}

/** Malformed base64 becomes no bytes, which are no picture. */
function decode(text: string): ArrayBuffer {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer
  } catch {
    return new ArrayBuffer(0)
  }
}
