import { once } from 'node:events'
import { type IncomingMessage, createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

/** One attempt to deliver an event. */
export interface Attempt {
  headers: IncomingMessage['headers']
  body: string
}

/** An event's JSON, as far as tests read it. */
export interface WebhookEvent {
  type: string
  timestamp: string
  data: { id: string; status: string; error: { code: string } | null; images: { url: string }[]; cost_usd: number }
}

/** One URL of a receiver. */
export interface Hook {
  url: string
  attempts: Attempt[]
}

/** A receiver of webhooks. */
export interface Receiver {
  /** A new URL. Each attempt gets the next of these statuses, and later ones the last (200 by default). */
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

/** Reads an event with the library of Standard Webhooks. Throws if its signature is wrong. */
export function verified({ headers, body }: Attempt, secret: string): WebhookEvent {
  const header = (name: string): string => String(headers[name])
  new Webhook(secret).verify(body, {
    'webhook-id': header('webhook-id'),
    'webhook-timestamp': header('webhook-timestamp'),
    'webhook-signature': header('webhook-signature'),
  })
  const told: WebhookEvent = JSON.parse(body)
  return told
}

export const idsOf = ({ attempts }: Hook): string[] => attempts.map(({ headers }) => String(headers['webhook-id']))
