import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'

/** A proxy in front of a gateway that breaks off idle connections, as load balancers do. */
export interface IdleProxy {
  /** The base URL of the gateway behind the proxy. */
  baseUrl: string
  /** The number of connections broken off during a request. */
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
    // Only bytes of the gateway end an idle time.
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
