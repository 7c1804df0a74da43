import { type FilePart, type PartedBody, partedBody } from './parts'

/** A file inside a JSON text, as base64 behind a prefix such as `data:image/png;base64,`. */
export class EmbeddedFile {
  readonly file: FilePart
  readonly prefix: string

  constructor(file: FilePart, prefix = '') {
    this.file = { bytes: file.bytes, open: file.open, base64: true }
    this.prefix = prefix
  }
}

/** A JSON text with embedded files. */
export function jsonBody(value: unknown): PartedBody {
  const files: FilePart[] = []
  const mark = crypto.randomUUID()
  const text = JSON.stringify(value, (_, inner: unknown) => {
    if (!(inner instanceof EmbeddedFile)) return inner
    files.push(inner.file)
    return inner.prefix + mark
  })
  const parts = text.split(mark).flatMap((piece, at) => [piece, files[at] ?? ''])
  return partedBody(parts)
}
