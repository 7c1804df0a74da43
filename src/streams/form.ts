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

/** The defined fields as texts for a form. */
export const textsOf = (fields: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)]],
    ),
  )

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
