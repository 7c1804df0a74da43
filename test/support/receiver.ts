import { Webhook } from 'standardwebhooks'
import { beforeEach, vi } from 'vitest'
import { ringGenerations } from './alarms'
import type { FakeOpenai } from './fake-openai.ts'
import { internet } from './internet'
import { HOOK } from './webhooks'

/** A request to a receiver, as it came. */
export interface Received {
  id: string
  url: string
  headers: Record<string, string>
  body: string
}

/** The body of an event, with the fields that tests read. */
export interface EventJson {
  type: string
  timestamp: string
  data: {
    id: string
    status: string
    prompt: string
    images: { url: string }[]
    cost_usd: number | null
    error: { code: string; message: string | null } | null
  }
}

type Reply = number | (() => Response | Promise<Response>)

/** A receiver of webhooks that records its requests, verifies nothing, and answers by a script. */
export class Receiver {
  got: Received[] = []
  #script: Reply[] = []

  /** Sets its answers, in order; the last one stays. */
  answer(...script: Reply[]): void {
    this.#script = script
  }

  readonly handle = async (request: Request): Promise<Response> => {
    const headers = Object.fromEntries(request.headers)
    const { 'webhook-id': id = '' } = headers
    this.got.push({ id, url: request.url, headers, body: await request.text() })
    const reply = (this.#script.length > 1 ? this.#script.shift() : this.#script[0]) ?? 200
    return typeof reply === 'number' ? new Response('words of the receiver', { status: reply }) : await reply()
  }

  /** Its last request. */
  get last(): Received {
    const last = this.got.at(-1)
    if (!last) throw new Error('the receiver got nothing')
    return last
  }

  get ids(): string[] {
    return this.got.map(({ id }) => id)
  }

  get events(): EventJson[] {
    return this.got.map(({ body }): EventJson => JSON.parse(body))
  }

  get types(): string[] {
    return this.events.map(({ type }) => type)
  }
}

/** The URL of the second receiver. */
export const OTHER_HOOK = 'https://other.example.org/in'

/** Plays two receivers beside an upstream for the tests of a file: `hooks` is at HOOK, `other` at OTHER_HOOK. */
export function receivers(upstream: FakeOpenai): { hooks: Receiver; other: Receiver } {
  const [hooks, other] = [new Receiver(), new Receiver()]
  beforeEach(() => {
    for (const receiver of [hooks, other]) {
      receiver.got = []
      receiver.answer(200)
    }
    internet({
      'api.openai.com': upstream,
      [new URL(HOOK).hostname]: hooks,
      [new URL(OTHER_HOOK).hostname]: other,
    })
  })
  return { hooks, other }
}

/** Sends the events due after so many ms. */
export async function after(ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms)
  await ringGenerations()
}

/** Sends the events due now. */
export const send = (): Promise<void> => after(0)

/** Verifies a request as a receiver with a secret does. Throws for another signature or an old one. */
export const verified = ({ body, headers }: Received, secret: string): unknown =>
  new Webhook(secret).verify(body, headers)
