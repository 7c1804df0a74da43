import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { settingsOf } from '../../support/fake-models.ts'
import type { FakeProvider } from '../../support/fake-provider.ts'

/** Fakes of upstream APIs, each behind an HTTP server of its own in this process. */
export interface FakeServers {
  /** Variables that make them the only upstreams of a gateway. */
  variables: Record<string, string>
  stop: () => Promise<void>
}

/** Serves each fake on a free port and sets its `origin`. */
export async function startFakes(fakes: readonly FakeProvider[]): Promise<FakeServers> {
  const servers = await Promise.all(fakes.map(serve))
  const [key] = new Set(fakes.map((fake) => fake.key))
  return {
    variables: {
      UPSTREAMS: JSON.stringify(settingsOf(fakes)),
      FAKE_KEY: key ?? '',
      ALLOW_PRIVATE_URLS: 'true',
      DEMO_UPSTREAM: 'false',
    },
    stop: async () => {
      for (const server of servers) server.close().closeAllConnections()
    },
  }
}

async function serve(fake: FakeProvider): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    answer(fake, incoming, outgoing).catch(() => outgoing.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  fake.origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return server
}

async function answer(fake: FakeProvider, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { status, headers, body } = await fake.handle(requestOf(fake, incoming))
  outgoing.writeHead(status, [...headers].flat())
  if (body) await pipeline(Readable.fromWeb(body), outgoing)
  else outgoing.end()
}

function requestOf({ origin }: FakeProvider, incoming: IncomingMessage): Request {
  const { method = 'GET', url = '/' } = incoming
  const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)])
  const body = ['GET', 'HEAD'].includes(method) ? null : Readable.toWeb(incoming)
  return new Request(origin + url, { method, headers, body, duplex: 'half' })
}
