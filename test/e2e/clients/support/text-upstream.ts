import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

/** A request to an upstream of text models. */
interface TextCall {
  path: string | undefined
  authorization: string | undefined
  body: string
}

/** An upstream of text models with unusual JSON. */
export interface TextUpstream {
  origin: string
  calls: TextCall[]
  /** Continues a stream that waits before its last chunks. */
  goOn: () => void
  stop: () => Promise<void>
}

const START = '{ "id" : "chatcmpl-1", "object" : "chat.completion", "created" : 1, "model" : "gpt-5.2-2025-12-11",\r\n'
/** Its answer, with spaces, escapes and a number that no client writes. */
export const COMPLETION = `${START}"choices" : [ { "index" : 0, "finish_reason" : "stop",
"message" : { "role" : "assistant", "content" : "caf\\u00e9", "tomorrow" : 1.0e0 } } ],
"usage" : { "prompt_tokens" : 3, "completion_tokens" : 2, "total_tokens" : 5 } }\n`

const chunk = (delta: string, finish = 'null'): string =>
  `data:  {"object":"chat.completion.chunk","choices":[{"index":0,"delta":${delta},"finish_reason":${finish}}]}\r\n\r\n`

/** Its stream: the first chunk, and the chunks after the pause. */
export const STREAM = [
  `: hello\r\n\r\n${chunk('{"role":"assistant","content":"caf\\u00e9"}')}`,
  `${chunk('{"content":" au lait"}')}${chunk('{}', '"stop"')}data: [DONE]\r\n\r\n`,
] as const

const [JSON_TYPE, STREAM_TYPE] = ['application/json', 'text/event-stream']

/** The message of its refusal, which reaches the client. */
export const REFUSED = 'Say something else.'
const REFUSAL = { message: REFUSED, type: 'invalid_request_error', param: 'messages', code: 'invalid_value' }

export async function startTextUpstream(): Promise<TextUpstream> {
  const calls: TextCall[] = []
  let waiting = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await text(request)
      calls.push({ path: request.url, authorization: request.headers.authorization, body })
      if (body.includes('refuse me')) {
        response.writeHead(400, { 'content-type': JSON_TYPE }).end(JSON.stringify({ error: REFUSAL }))
      } else if (body.includes('"stream":true')) {
        response.writeHead(200, { 'content-type': STREAM_TYPE }).write(STREAM[0])
        await waiting.promise
        waiting = Promise.withResolvers()
        response.end(STREAM[1])
      } else {
        response.writeHead(200, { 'content-type': JSON_TYPE }).end(COMPLETION)
      }
    }
    answer().catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    origin: `http://127.0.0.1:${port}`,
    calls,
    goOn: () => waiting.resolve(),
    stop: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
