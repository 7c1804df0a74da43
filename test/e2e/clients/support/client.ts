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

/** Two pictures of an edit, and the mask of the first. */
interface Masked {
  images: [File, File]
  mask: File
}

type Make = (caller: Caller, prompt: string) => Promise<Buffer[]>

/** Acts that some clients lack. */
interface Acts {
  edit?: (caller: Caller, prompt: string, image: File) => Promise<Buffer[]>
  masked?: (caller: Caller, prompt: string, given: Masked) => Promise<Buffer[]>
  /** Asks for links, and fetches them. */
  linked?: Make
  /** Asks for two pictures by one request. */
  two?: Make
  stream?: {
    previews: number
    run: (caller: Caller, prompt: string) => Promise<Streamed>
  }
  /** Asks for an impossible size, or for an unknown model. */
  wrong?: { ask: (caller: Caller) => Promise<unknown>; raises: Raised }
}

/** A vendor's client at one of its APIs, with the calls of that client. */
export interface Client extends Acts {
  /** Its package with its major version, and the API. */
  name: string
  /** An older major, run by `FULL=1` alone. */
  isOlder?: boolean
  make: Make
  /** The reason for each act that the client lacks. */
  lacks: Partial<Record<keyof Acts, string>>
  /** Another refused request, for a client without an error for blocked prompts. */
  refused?: (caller: Caller) => Promise<unknown>
  /** Its error for a refused request. */
  refusal: Raised
  /** Its error for a wrong key. */
  stranger: Raised
  /** Its error for a second request under a limit of one a day. */
  limit: Raised
}

/** All acts that a client has or lacks. */
export const ACTS = ['edit', 'masked', 'linked', 'two', 'stream', 'wrong'] as const
