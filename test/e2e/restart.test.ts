import { once } from 'node:events'
import { type Server, type ServerResponse, createServer } from 'node:http'
import { OpenAI } from 'openai'
import { expect, test, vi } from 'vitest'
import { crashes } from './support/crashes.ts'
import { sendingTo, startGateway } from './support/gateway.ts'
import { decoded, pngFile } from './support/pictures.ts'

const { ending, start, crash } = crashes()

test.concurrent('an image stored before a crash is not made again', async () => {
  const { upstream, gateway: first } = await start()
  const body = { model: 'gpt-image-2', prompt: 'A fountain', n: 2 }
  const before = await first.sdk().images.generate(body)

  const second = await crash(first, upstream)
  const after = await second.sdk().images.generate(body)
  expect(decoded(after)).toEqual(decoded(before))
  expect(await upstream.callsFor(body.prompt)).toHaveLength(1)
})

test.concurrent('an image stored before a crash in the middle of the answer is not made again', async () => {
  const picture = Buffer.from(await (await pngFile('fountain.png', 'fountain', 100_000)).arrayBuffer())
  const upstream = ending(await EndlessUpstream.start(picture.toString('base64')))
  const first = await startGateway(sendingTo(upstream.origin))
  const body = { model: 'gpt-image-2', prompt: 'A fountain' }
  const pending = expect(first.sdk().images.generate(body)).rejects.toBeInstanceOf(OpenAI.APIConnectionError)
  await upstream.pictureTaken

  const second = await crash(first, upstream)
  await pending
  expect(decoded(await second.sdk().images.generate(body))).toEqual([picture])
  expect(upstream.calls).toBe(1)
})

test.concurrent('a generation cut short by a crash is made on the next request', async () => {
  const { upstream, gateway: first } = await start()
  const body = { model: 'gpt-image-2', prompt: 'A fountain @delay=4000' }
  const pending = expect(first.sdk().images.generate(body)).rejects.toBeInstanceOf(OpenAI.APIConnectionError)
  await vi.waitFor(async () => expect(await upstream.callsFor(body.prompt)).toHaveLength(1), { timeout: 60_000 })

  const second = await crash(first, upstream)
  await pending
  const answers = await Promise.all([1, 2, 3].map(() => second.sdk().images.generate(body)))
  expect(new Set(answers.map((answer) => answer.data?.[0]?.b64_json)).size).toBe(1)
  expect((await upstream.callsFor(body.prompt)).map(({ outcome }) => outcome)).toEqual(['aborted', 'answered'])
})

const MEGABYTE = 'A'.repeat(1024 * 1024)
/** More than the buffers between two processes hold: after so much, the reader has all that came before. */
const BEYOND_BUFFERS = 64

/** An upstream that answers with a picture and, beside it, the beginning of an endless data URL. */
class EndlessUpstream {
  calls = 0
  readonly origin: string
  readonly pictureTaken: Promise<void>
  readonly #server: Server

  private constructor(server: Server, port: number, base64: string) {
    this.#server = server
    this.origin = `http://127.0.0.1:${port}`
    this.pictureTaken = new Promise((resolve) => {
      server.on('request', (_, outgoing) => {
        this.calls++
        outgoing.on('error', () => {})
        outgoing.writeHead(200, { 'content-type': 'application/json' })
        outgoing.write(`{"created":1,"data":[{"b64_json":"${base64}","url":"data:image/png;base64,`)
        pour(outgoing, BEYOND_BUFFERS, resolve)
      })
    })
  }

  static async start(base64: string): Promise<EndlessUpstream> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    return new EndlessUpstream(server, typeof address === 'object' && address ? address.port : 0, base64)
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

function pour(outgoing: ServerResponse, megabytes: number, done: () => void): void {
  if (megabytes === 0) return done()
  outgoing.write(MEGABYTE, (error) => error ?? pour(outgoing, megabytes - 1, done))
}
