import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ClientOptions, OpenAI } from 'openai'
import { run } from './program.ts'
import { UPSTREAM_KEY } from './upstream.ts'

/** The gateway as `npm start` runs it. */
export interface Gateway {
  baseUrl: string
  key: string
  /** The command that its welcome suggests. */
  suggestion: string
  /** Where it runs, with its secrets and its storage. */
  directory: string
  /** The vendor's own client, pointed at it by nothing but its URL and key. */
  sdk: (options?: ClientOptions) => OpenAI
  /** Ends it and removes its directory. */
  stop: () => Promise<void>
  /** Ends it without warning; its directory stays, for another one to be started in. */
  kill: () => Promise<void>
}

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url))
const WELCOME = /URL {2}(\S+)\n {2}Key {2}(\S+)\n[\s\S]*?\n {2}(curl .*)\n/

/**
 * Variables that send every model to one upstream process, each of `more` as an account of its own, `impatient` with a second for each call and
 * `absent` to nobody.
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

/** Starts the gateway on a free port, in a directory that it was started in before or in a fresh clone of the project. */
export async function startGateway(variables: Record<string, string> = {}, before?: string): Promise<Gateway> {
  const directory = before ?? (await clone())
  const settings = Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`])
  const { said, stop, kill } = await run('npm', ['start', '--', '0', ...settings], WELCOME, directory)
  const [, baseUrl = '', key = '', suggestion = ''] = said
  return {
    baseUrl,
    key,
    suggestion,
    directory,
    sdk: (options = {}) => new OpenAI({ apiKey: key, baseURL: baseUrl, maxRetries: 0, ...options }),
    stop: async () => {
      await stop()
      await rm(directory, { recursive: true })
    },
    kill,
  }
}

/** A copy of the project without what only this machine has, such as secrets, and without what it needs only for itself. */
async function clone(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'darkroom-'))
  const isCloned = (path: string): boolean => !/^(?:\.|node_modules|test)/.test(relative(PROJECT, path))
  await cp(PROJECT, directory, { recursive: true, filter: isCloned })
  await symlink(join(PROJECT, 'node_modules'), join(directory, 'node_modules'))
  return directory
}
