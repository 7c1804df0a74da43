/** A file of a form that is read only when its turn comes. */
export interface FormFile {
  name: string
  filename: string
  mediaType: string
  /** Its size in bytes. */
  bytes: number
  open: () => Promise<ReadableStream<Uint8Array>>
}

export interface FormBody {
  contentType: string
  body: ReadableStream<Uint8Array>
  /** Why a file could not be opened, which breaks the body off; undefined while nothing of the kind has happened. */
  unopened: () => unknown
}

/** A multipart form (RFC 7578) written as it is sent: nothing of a file is held, and the length is known beforehand. */
export function formBody(fields: Record<string, string>, files: FormFile[]): FormBody {
  const boundary = `darkroom-${crypto.randomUUID()}`
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
  const head = (disposition: string): string => `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n`
  const texts = Object.entries(fields).map(([name, value]) => encode(`${head(`name="${name}"`)}\r\n${value}\r\n`))
  const parts = files.map((file) => {
    const disposition = `name="${file.name}"; filename="${file.filename}"`
    return { file, head: encode(`${head(disposition)}content-type: ${file.mediaType}\r\n\r\n`), tail: encode('\r\n') }
  })
  const end = encode(`--${boundary}--\r\n`)

  const length =
    texts.reduce((sum, text) => sum + text.length, end.length) +
    parts.reduce((sum, part) => sum + part.head.length + part.file.bytes + part.tail.length, 0)
  const { readable, writable } = new FixedLengthStream(length)

  let unopened: unknown
  const open = (file: FormFile): Promise<ReadableStream<Uint8Array>> =>
    file.open().catch((error: unknown) => {
      unopened = error
      throw error
    })
  const write = async (): Promise<void> => {
    for (const text of texts) await writeTo(writable, text)
    for (const part of parts) {
      await writeTo(writable, part.head)
      await (await open(part.file)).pipeTo(writable, { preventClose: true })
      await writeTo(writable, part.tail)
    }
    await writeTo(writable, end)
    await writable.close()
  }
  write().catch((error: unknown) => writable.abort(error).catch(() => {}))
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: readable, unopened: () => unopened }
}

async function writeTo(writable: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter()
  await writer.write(bytes)
  writer.releaseLock()
}
