import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'

/** A proxy in front of a gateway that breaks off connections on which nothing is said for a while, as load balancers do. */
export interface IdleProxy {
  /** The gateway's, by way of the proxy. */
  baseUrl: string
  /** How many connections were broken off in the midst of a request. */
  cuts: () => number
  stop: () => Promise<void>
}

export async function startIdleProxy(baseUrl: string, idleMs: number): Promise<IdleProxy> {
  const { hostname, port, pathname } = new URL(baseUrl)
  const open = new Set<Socket>()
  let cuts = 0
  const server = createServer((client) => {
    const gateway = connect(Number(port), hostname)
    const close = (): void => [client, gateway].forEach((socket) => socket.destroy())
    for (const socket of [client, gateway]) {
      open.add(socket.on('error', close).on('close', close))
      socket.once('close', () => open.delete(socket))
    }
    // Also the gateway's first word counts, and none of the client's before it.
    gateway.setTimeout(idleMs, () => {
      cuts++
      close()
    })
    client.pipe(gateway).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const ownPort = typeof address === 'object' && address ? address.port : 0
  return {
    baseUrl: `http://127.0.0.1:${ownPort}${pathname}`,
    cuts: () => cuts,
    stop: async () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
