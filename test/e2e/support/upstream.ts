import { fileURLToPath } from 'node:url'
import type { Call } from '../../support/fake-openai.ts'
import { run } from './program.ts'

/** A fake OpenAI in a process of its own. */
export interface Upstream {
  origin: string
  port: string
  /** The requests with this prompt. */
  callsFor: (prompt: string) => Promise<Call[]>
  /** All requests, those for the files behind its answers' URLs included. */
  calls: () => Promise<Call[]>
  /** Empties the list of requests. */
  forget: () => Promise<void>
  stop: () => Promise<void>
}

const SERVER = fileURLToPath(new URL('../../support/fake-openai-server.ts', import.meta.url))

/** The key of the fake upstream, a secret between it and the gateway. */
export const UPSTREAM_KEY = 'sk-upstream-secret'

/** Starts it on a port, by default on a free one. */
export async function startUpstream(onPort = '0'): Promise<Upstream> {
  const { said, stop } = await run(process.execPath, [SERVER, onPort], /\{"port":(\d+)\}/)
  const [, port = ''] = said
  const origin = `http://127.0.0.1:${port}`
  const calls = async (): Promise<Call[]> => {
    const seen: Call[] = JSON.parse(await (await fetch(`${origin}/__calls`)).text())
    return seen
  }
  const callsFor = async (prompt: string): Promise<Call[]> =>
    (await calls()).filter(({ fields }) => fields['prompt'] === prompt)
  const forget = async (): Promise<void> => void (await fetch(`${origin}/__reset`, { method: 'POST' }))
  return { origin, port, callsFor, calls, forget, stop }
}
