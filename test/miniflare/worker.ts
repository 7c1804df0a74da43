import { readFile, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Json, Miniflare } from 'miniflare'

/** Wrangler's own Miniflare has the newest workerd; the one at the top belongs to the test plugin. */
const wranglerRequire = createRequire(createRequire(import.meta.url).resolve('wrangler'))
const miniflare: typeof import('miniflare') = await import(pathToFileURL(wranglerRequire.resolve('miniflare')).href)

/** The part of `wrangler.toml` that a Worker runs with. */
export interface Platform {
  compatibilityDate: string
  compatibilityFlags: string[]
  variables: Record<string, Json>
  kvNamespaces: string[]
  r2Buckets: string[]
  /** The class of each binding. */
  durableObjects: Record<string, string>
  images: string | undefined
}

/** The file of a bundle that holds its `Platform`. */
export const PLATFORM_FILE = 'platform.json'

/** A bundled Worker with its variables and storage, each a directory. */
export interface WorkerOrder {
  bundle: string
  storage: string
  variables: Record<string, string>
  /** Its port; a free one by default. */
  port?: number
}

/** Starts a bundled Worker on a port of 127.0.0.1, without Wrangler's proxy in front. */
export async function startWorker({ bundle, storage, variables, port = 0 }: WorkerOrder): Promise<Miniflare> {
  const platform: Platform = JSON.parse(await readFile(join(bundle, PLATFORM_FILE), 'utf8'))
  const objects = Object.entries(platform.durableObjects).map(([name, className]) => [name, { className }] as const)
  return new miniflare.Miniflare(
    miniflare.convertV4MiniflareOptions({
      name: 'darkroom',
      modules: await modulesIn(bundle),
      modulesRoot: bundle,
      compatibilityDate: platform.compatibilityDate,
      compatibilityFlags: platform.compatibilityFlags,
      bindings: { ...platform.variables, ...variables },
      kvNamespaces: platform.kvNamespaces,
      r2Buckets: platform.r2Buckets,
      durableObjects: Object.fromEntries(objects.map(([name, object]) => [name, { ...object, useSQLite: true }])),
      ...(platform.images === undefined ? {} : { images: { binding: platform.images } }),
      resourcePersistencePath: storage,
      host: '127.0.0.1',
      port,
      cf: false,
      handleStructuredLogs: ({ level, message }) => void (level === 'error' && console.error(message)),
    }),
  )
}

interface WorkerModule {
  type: 'ESModule' | 'CompiledWasm'
  path: string
}

/** The entry is a bundle's only script. */
async function modulesIn(bundle: string): Promise<[WorkerModule, ...WorkerModule[]]> {
  const files = await readdir(bundle)
  const named = (extension: string): string[] => files.filter((file) => extname(file) === extension)
  const [entry, ...others] = named('.js')
  if (entry === undefined || others.length > 0) throw new Error(`${bundle} is no bundle of a Worker`)
  const binaries = named('.wasm').map((path) => ({ type: 'CompiledWasm' as const, path: join(bundle, path) }))
  return [{ type: 'ESModule', path: join(bundle, entry) }, ...binaries]
}
