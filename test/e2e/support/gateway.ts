import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ClientOptions, OpenAI } from 'openai'
import { inject } from 'vitest'
import type { WorkerOrder } from '../../miniflare/worker.ts'
import { run } from './program.ts'
import { UPSTREAM_KEY } from './upstream.ts'

/** A gateway in a process of its own. */
export interface Gateway {
  baseUrl: string
  key: string
  adminToken: string
  /** The directory of its storage. */
  storage: string
  /** OpenAI's own client, given nothing but the gateway's URL and key. */
  sdk: (options?: ClientOptions) => OpenAI
  /** Ends it and removes its storage. */
  stop: () => Promise<void>
  /** Ends it by SIGKILL; its storage stays for the next `startGateway`. */
  kill: () => Promise<void>
}

const PROGRAM = fileURLToPath(new URL('gateway-process.ts', import.meta.url))

/** The settings of a fresh clone after `npm start`. */
const SETTINGS = {
  ADMIN_TOKEN: 'admin-token-of-the-tests',
  SIGNING_SECRET: 'signing-secret-of-the-tests-32-characters',
  GATEWAY_KEY: 'sk-dr-default-tests',
  DEMO_UPSTREAM: 'true',
}

/** No connection is used twice: on a busy machine, the gateway may close one just before its next use. */
const ONE_SHOT = { defaultHeaders: { connection: 'close' } }

/**
 * Variables that send every model to one upstream process. Each rule of `more` gets an account of its own. `impatient`
 * has a time-out of 1 s, and `absent` leads to a closed port.
 */
export function sendingTo(origin: string, more: readonly string[] = []): Record<string, string> {
  const account = { provider: 'openai', secret: 'FAKE_KEY', base_url: `${origin}/v1` }
  const upstreams = [
    { ...account, name: 'fake', models: ['gpt-image-*', 'relay-*'] },
    ...more.map((rule) => ({ ...account, name: rule.replace(/=.*/, ''), models: [rule], priority: -1 })),
    { ...account, name: 'impatient', models: ['impatient=relay-1'], timeout_seconds: 1 },
    { ...account, name: 'absent', models: ['absent=relay-1'], base_url: 'http://127.0.0.1:9/v1' },
  ]
  const variables = { UPSTREAMS: JSON.stringify(upstreams), FAKE_KEY: UPSTREAM_KEY }
  return { ...variables, ALLOW_PRIVATE_URLS: 'true', DEMO_UPSTREAM: 'false' }
}

/** Starts the gateway, with the storage of a killed one or with an empty one. The port is a free one by default. */
export async function startGateway(
  variables: Record<string, string> = {},
  before?: string,
  port = 0,
): Promise<Gateway> {
  const files = inject('gateways')
  const storage = before ?? (await mkdtemp(join(files, 'storage-')))
  const settings = { ...SETTINGS, ...variables }
  const order: WorkerOrder = { bundle: join(files, 'bundle'), storage, variables: settings, port }
  const { said, stop, kill } = await run(process.execPath, [PROGRAM, JSON.stringify(order)], /\{"url":"(\S+)\/"\}/)
  const [, origin = ''] = said
  const [baseUrl, key] = [`${origin}/v1`, settings.GATEWAY_KEY]
  return {
    baseUrl,
    key,
    adminToken: settings.ADMIN_TOKEN,
    storage,
    sdk: (options = {}) => new OpenAI({ apiKey: key, baseURL: baseUrl, maxRetries: 0, ...ONE_SHOT, ...options }),
    stop: async () => {
      await stop()
      await rm(storage, { recursive: true })
    },
    kill,
  }
}
