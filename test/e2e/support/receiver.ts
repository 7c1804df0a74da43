import { once } from 'node:events'
import { type IncomingMessage, createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

/** An event as a receiver got it, at one attempt. */
export interface Attempt {
  headers: IncomingMessage['headers']
  body: string
}

/** What stands in an event, as far as tests read it. */
export interface Told {
  type: string
  timestamp: string
  data: { id: string; status: string; error: { code: string } | null; images: { url: string }[]; cost_usd: number }
}

/** A place where a receiver listens. */
export interface Hook {
  url: string
  attempts: Attempt[]
}

/** Somebody who is told of generations. */
export interface Receiver {
  /** A place of its own, where each attempt is answered with the next of these statuses, and later ones with the last (200). */
  hook: (...statuses: number[]) => Hook
  stop: () => Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const hooks = new Map<string, Hook & { statuses: number[] }>()
  const server = createServer((request, response) => {
    const take = async (): Promise<void> => {
      const hook = hooks.get(request.url ?? '')
      const attempts = hook?.attempts.push({ headers: request.headers, body: await text(request) }) ?? 0
      const status = hook ? (hook.statuses[attempts - 1] ?? hook.statuses.at(-1) ?? 200) : 404
      response.writeHead(status, status === 302 ? { location: `${request.url}/elsewhere` } : {}).end()
    }
    take().catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    hook: (...statuses) => {
      const path = `/hooks/${hooks.size + 1}`
      const hook = { url: `http://127.0.0.1:${port}${path}`, attempts: [], statuses }
      hooks.set(path, hook)
      return hook
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Reads an event as its receivers do, by the library that they have for that. Throws where its signature is wrong. */
export function verified({ headers, body }: Attempt, secret: string): Told {
  const header = (name: string): string => String(headers[name])
  new Webhook(secret).verify(body, {
    'webhook-id': header('webhook-id'),
    'webhook-timestamp': header('webhook-timestamp'),
    'webhook-signature': header('webhook-signature'),
  })
  const told: Told = JSON.parse(body)
  return told
}

export const idsOf = ({ attempts }: Hook): string[] => attempts.map(({ headers }) => String(headers['webhook-id']))
