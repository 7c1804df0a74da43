import type { Gateway } from '../../support/gateway.ts'

/** The only settings of a client that change for this gateway. */
export interface Caller {
  /** The gateway's URL without a path. */
  origin: string
  key: string
}

export const callerOf = ({ baseUrl }: Gateway, key: string): Caller => ({
  origin: new URL(baseUrl).origin,
  key,
})

/** The previews of a stream and its final pictures. */
export interface Streamed {
  previews: Buffer[]
  pictures: Buffer[]
}

/** A client's error: its class and some of its properties. */
export interface Raised {
  error: new (...given: never[]) => unknown
  details: Record<string, unknown>
}

/** A vendor's client at one of its APIs, with the calls of that client. */
export interface Client {
  /** Its package with its major version, and the API. */
  name: string
  make: (caller: Caller, prompt: string) => Promise<Buffer[]>
  edit?: (caller: Caller, prompt: string, image: File) => Promise<Buffer[]>
  stream?: {
    previews: number
    run: (caller: Caller, prompt: string) => Promise<Streamed>
  }
  /** Another refused request, for a client without an error for blocked prompts. */
  refused?: (caller: Caller) => Promise<unknown>
  /** Its error for a refused request. */
  refusal: Raised
  /** Its error for a second request under a limit of one a day. */
  limit: Raised
}
