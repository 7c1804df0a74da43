import { type FilePart, type PartedBody, partedBody } from './parts'

/** A file of a form. */
export interface FormFile extends FilePart {
  name: string
  filename: string
  mediaType: string
}

export interface FormBody extends PartedBody {
  contentType: string
}

/** The defined fields as texts for a form. A field of an object is named as in `svg[model]`. */
export const textsOf = (fields: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => textsOfField(name, value)))

function textsOfField(name: string, value: unknown): [string, string][] {
  if (value === undefined) return []
  if (typeof value === 'string') return [[name, value]]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[name, JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, inner]) => textsOfField(`${name}[${key}]`, inner))
}

/** A multipart form (RFC 7578). */
export function formBody(fields: Record<string, string>, files: FormFile[]): FormBody {
  const boundary = `darkroom-${crypto.randomUUID()}`
  const head = (disposition: string): string => `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n`
  const texts = Object.entries(fields).map(([name, value]) => `${head(`name="${name}"`)}\r\n${value}\r\n`)
  const parts = files.flatMap((file) => {
    const disposition = `name="${file.name}"; filename="${file.filename}"`
    return [`${head(disposition)}content-type: ${file.mediaType}\r\n\r\n`, file, '\r\n']
  })
  const contentType = `multipart/form-data; boundary=${boundary}`
  return { contentType, ...partedBody([...texts, ...parts, `--${boundary}--\r\n`]) }
}
