import { once } from 'node:events'
import { type Agent, type ClientRequest, type IncomingMessage, request as send } from 'node:http'

/** A request with a body that is made as it is sent. */
export interface Post {
  url: string
  headers: Record<string, string>
  body: Iterable<string | Uint8Array>
  bodyBytes: number
  /** The expected answer. With another one, the figure measures something else. */
  expected: Expected
}

export interface Expected {
  headers?: Record<string, string>
  minBytes: number
}

const EXCERPT_LENGTH = 300

/** Sends a request and drains its answer, which is not kept. Throws Error for an unexpected answer. */
export async function post({ url, headers, body, bodyBytes, expected }: Post, agent?: Agent): Promise<void> {
  const options = { method: 'POST', headers: { ...headers, 'content-length': bodyBytes }, ...(agent ? { agent } : {}) }
  const request = send(url, options)
  const answered = answerTo(request)
  for (const piece of body) if (!request.write(piece)) await Promise.race([once(request, 'drain'), answered])
  request.end()
  const answer = await answered
  const wrong = fault(answer, expected)
  if (wrong) throw new Error(`${url}: ${wrong}; status ${answer.status}, ${answer.bytes} bytes: ${answer.excerpt}`)
}

interface Answer {
  status: number | undefined
  headers: IncomingMessage['headers']
  bytes: number
  excerpt: string
}

function answerTo(request: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response: IncomingMessage) => {
      let bytes = 0
      let excerpt = ''
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (excerpt.length < EXCERPT_LENGTH) excerpt += chunk.toString('latin1', 0, EXCERPT_LENGTH)
      })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, bytes, excerpt }))
      response.on('error', reject)
    })
  })
}

function fault({ status, headers, bytes }: Answer, expected: Expected): string | undefined {
  if (status !== 200) return 'not answered'
  if (bytes < expected.minBytes) return 'answered without the picture'
  const wrong = Object.entries(expected.headers ?? {}).find(([name, value]) => headers[name] !== value)
  return wrong && `${wrong[0]} is ${String(headers[wrong[0]])}, not ${wrong[1]}`
}
