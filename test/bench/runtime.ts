import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { unstable_readConfig } from 'wrangler'
import { type WorkerModule, configPath } from './build.ts'
import { childrenNamed, cpuMs, peakBytes, restartPeak } from './linux.ts'
import { makeStorage } from './storage.ts'

/** Wrangler brings the Miniflare that runs the newest workerd; the test plugin's older one stands at the top. */
const wranglerRequire = createRequire(createRequire(import.meta.url).resolve('wrangler'))
const { Miniflare, convertV4MiniflareOptions }: typeof import('miniflare') = await import(
  pathToFileURL(wranglerRequire.resolve('miniflare')).href
)

/** A workerd process of its own with one Worker and empty storage. */
export interface Runtime {
  url: string
  /** The most memory it has held since its start or since `restartPeak`, in bytes. */
  peakBytes: () => Promise<number>
  /** Counts the peak from what it holds now, which is given back in bytes. */
  restartPeak: () => Promise<number>
  /** The processor time that it has used since its start, in ms. */
  cpuMs: () => Promise<number>
  stop: () => Promise<void>
}

/** A Worker and its variables; its bindings are those of `wrangler.toml`. */
export interface Served {
  modules: WorkerModule[]
  variables: Record<string, string>
}

/** Starts a Worker in a Miniflare without Wrangler's proxy in front; one start at a time. */
export async function start({ modules, variables }: Served): Promise<Runtime> {
  const storage = await makeStorage()
  const config = unstable_readConfig({ config: configPath })
  const before = await childrenNamed('workerd')
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 'bench',
      modules,
      compatibilityDate: String(config.compatibility_date),
      compatibilityFlags: config.compatibility_flags,
      bindings: { ...config.vars, ...variables },
      kvNamespaces: namesOf(config.kv_namespaces),
      r2Buckets: namesOf(config.r2_buckets),
      durableObjects: objectsOf(config.durable_objects.bindings),
      resourcePersistencePath: storage.path,
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleStructuredLogs: ({ level, message }) => void (level === 'error' && console.error(message)),
    }),
  )
  const url = (await miniflare.ready).href
  const pid = (await childrenNamed('workerd')).find((each) => !before.includes(each))
  if (pid === undefined) throw new Error('the new workerd is not among the children of this process')
  return {
    url,
    peakBytes: () => peakBytes(pid),
    restartPeak: () => restartPeak(pid),
    cpuMs: () => cpuMs(pid),
    stop: async () => {
      await miniflare.dispose()
      storage.remove()
    },
  }
}

const namesOf = (bindings: { binding: string }[]): string[] => bindings.map(({ binding }) => binding)

const objectsOf = (bindings: { name: string; class_name: string }[]): Record<string, ObjectClass> =>
  Object.fromEntries(bindings.map(({ name, class_name: className }) => [name, { className, useSQLite: true }]))

interface ObjectClass {
  className: string
  useSQLite: boolean
}
