import type { Raised } from './client.ts'

interface Answer {
  data?: { b64_json?: string; url?: string }[]
}

/** A refusal of a client that leaves statuses to its caller. */
class Refused extends Error {
  readonly status: number
  readonly body: unknown

  constructor(status: number, body: unknown) {
    super(`refused with ${status}`)
    this.status = status
    this.body = body
  }
}

/** Its refusal with a status and these fields of the error. */
export const refusedWith = (status: number, error: Record<string, unknown> = {}): Raised => ({
  error: Refused,
  details: { status, body: { error } },
})

/** The pictures of a response; a bad status throws. */
export async function answerOf(response: Response): Promise<Answer> {
  const body: Answer = JSON.parse(await response.text())
  if (!response.ok) throw new Refused(response.status, body)
  return body
}

/** A part of a form, with its headers as the client writes them. */
export interface Part {
  headers: Record<string, string>
  body: string | File
}

/** The bytes of a form. */
export async function formOf(boundary: string, parts: readonly Part[]): Promise<Buffer> {
  const pieces = parts.map(async ({ headers, body }) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const bytes = typeof body === 'string' ? Buffer.from(body) : await body.bytes()
    return Buffer.concat([Buffer.from(`--${boundary}\r\n${lines.join('')}\r\n`), bytes, Buffer.from('\r\n')])
  })
  return Buffer.concat([...(await Promise.all(pieces)), Buffer.from(`--${boundary}--\r\n`)])
}
