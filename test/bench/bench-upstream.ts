/**
 * The upstream of the benchmark, a process of its own. It has the Images API, with pictures of any size and no work.
 * The prompt gives orders: `@bytes=N` is the size of each picture, `@delay_ms=N` the time that they take. The previews of a
 * stream are as large as its one picture.
 */
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { MIB, base64Length, base64Pieces } from './picture.ts'

const DEFAULT_BYTES = 1.5 * MIB
const USAGE = { input_tokens: 1, output_tokens: 1, total_tokens: 2 }

let calls = 0

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const said = await read(request)
  if (request.url === '/__calls') return void response.end(JSON.stringify({ calls }))
  calls++
  const n = Number(/"n":(\d+)/.exec(said)?.[1] ?? 1)
  await wait(Number(/@delay_ms=(\d+)/.exec(said)?.[1] ?? 0))
  const bytes = Number(/@bytes=(\d+)/.exec(said)?.[1] ?? DEFAULT_BYTES)
  if (said.includes('"stream":true')) {
    await sendEvents(response, Number(/"partial_images":(\d)/.exec(said)?.[1] ?? 0), bytes)
  } else {
    await send(response, n, bytes)
  }
}

/** Only the beginning is kept: the form of an edit puts its files behind its texts and is drained. */
async function read(request: IncomingMessage): Promise<string> {
  let said = ''
  for await (const chunk of request) if (said.length < MIB) said += chunk.toString('latin1')
  return said
}

async function send(response: ServerResponse, n: number, bytes: number): Promise<void> {
  const head = `{"created":${Math.floor(Date.now() / 1000)},"data":[`
  const tail = `],"usage":${JSON.stringify(USAGE)}}`
  const around = '{"b64_json":""}'.length
  const length = head.length + n * (around + base64Length(bytes)) + (n - 1) + tail.length
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': length })
  response.write(head)
  for (let index = 0; index < n; index++) {
    response.write(index === 0 ? '{"b64_json":"' : ',{"b64_json":"')
    await writePicture(response, bytes)
    response.write('"}')
  }
  response.end(tail)
}

async function sendEvents(response: ServerResponse, partials: number, bytes: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let index = 0; index <= partials; index++) {
    const type = `image_generation.${index < partials ? 'partial_image' : 'completed'}`
    const rest = index < partials ? `"partial_image_index":${index}` : `"usage":${JSON.stringify(USAGE)}`
    response.write(`event: ${type}\ndata: {"type":"${type}","b64_json":"`)
    await writePicture(response, bytes)
    response.write(`",${rest}}\n\n`)
  }
  response.end()
}

async function writePicture(response: ServerResponse, bytes: number): Promise<void> {
  for (const piece of base64Pieces(bytes)) if (!response.write(piece)) await once(response, 'drain')
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' && address?.port)
})
process.once('disconnect', () => process.exit())
