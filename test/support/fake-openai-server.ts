import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { Readable } from 'node:stream'
import { FakeOpenai } from './fake-openai.ts'

/** `node fake-openai-server.ts [port]`: the fake on 127.0.0.1; prints `{"port":N}` once it listens. */
const fake = new FakeOpenai()

const server = createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch((error: unknown) => {
    // Ignores a missing client, and a body that breaks off on purpose.
    if (!outgoing.destroyed && !outgoing.headersSent) console.error(error)
    outgoing.destroy()
  })
})
// Longer than a client's keep-alive, so that no connection closes as a client reuses it.
server.keepAliveTimeout = 600_000
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : undefined }))
})

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (incoming.url === '/__calls') {
    outgoing.setHeader('content-type', 'application/json').end(JSON.stringify(fake.calls))
    return
  }
  if (incoming.url === '/__reset' && incoming.method === 'POST') {
    fake.reset()
    outgoing.writeHead(204).end()
    return
  }
  const closed = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) closed.abort()
  })
  const request = requestOf(incoming, closed.signal)
  // Keeps the request alive: its signal follows the other one only until the request is collected.
  outgoing.once('close', () => request.signal)
  await send(await fake.handle(request), outgoing)
}

function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request {
  const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`)
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  const { method = 'GET' } = incoming
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal })
  const init = { method, headers, signal, body: Readable.toWeb(incoming), duplex: 'half' as const }
  return new Request(url, init)
}

/** Sends piece by piece as the client reads; the pieces before a fault reach the client before the break. */
async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value)
  outgoing.writeHead(response.status)
  outgoing.flushHeaders()
  for await (const piece of response.body ?? []) await written(outgoing, piece)
  outgoing.end()
}

function written(outgoing: ServerResponse, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    outgoing.write(piece, (error) => (error ? reject(error) : resolve()))
  })
}
