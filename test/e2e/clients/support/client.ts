import type { Gateway } from '../../support/gateway.ts'

/** All that anybody exchanges in a client to have it work with this gateway. */
export interface Caller {
  /** Where it listens, without any path. */
  origin: string
  key: string
}

export const callerOf = ({ baseUrl }: Gateway, key: string): Caller => ({
  origin: new URL(baseUrl).origin,
  key,
})

/** What a client has of a stream: the previews that it was shown, and what it was left with at the end. */
export interface Streamed {
  previews: Buffer[]
  pictures: Buffer[]
}

/** An error as a client raises it. */
export interface Raised {
  error: new (...given: never[]) => unknown
  details: Record<string, unknown>
}

/** One of a vendor's clients at one of its APIs, in that client's own words. */
export interface Client {
  /** Its package with its major version, and the API. */
  name: string
  make: (caller: Caller, prompt: string) => Promise<Buffer[]>
  edit?: (caller: Caller, prompt: string, image: File) => Promise<Buffer[]>
  stream?: {
    previews: number
    run: (caller: Caller, prompt: string) => Promise<Streamed>
  }
  /** A request that is refused, where it raises nothing for a prompt that the upstream blocks. */
  refused?: (caller: Caller) => Promise<unknown>
  /** What it raises where a request is refused. */
  refusal: Raised
  /** What it raises for a second request where the day's limit lets one in. */
  limit: Raised
}
