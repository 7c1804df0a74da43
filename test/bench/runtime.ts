import { makeTemporaryDirectory } from '../miniflare/temporary-directory.ts'
import { startWorker } from '../miniflare/worker.ts'
import { childrenNamed, cpuMs, peakBytes, restartPeak } from './linux.ts'

/** A workerd process of its own with one Worker and empty storage. */
export interface Runtime {
  url: string
  /** The largest memory since its start or since `restartPeak`, in bytes. */
  peakBytes: () => Promise<number>
  /** Restarts the peak from its current memory, which is returned in bytes. */
  restartPeak: () => Promise<number>
  /** The processor time that it has used since its start, in ms. */
  cpuMs: () => Promise<number>
  stop: () => Promise<void>
}

/** A bundled Worker and its variables; its bindings are those of `wrangler.toml`. */
export interface Served {
  bundle: string
  variables: Record<string, string>
}

/** Starts a Worker; one start at a time. Without a directory for its storage, the storage ends with it. */
export async function start({ bundle, variables }: Served, directory?: string): Promise<Runtime> {
  const storage = directory === undefined ? await makeTemporaryDirectory() : { path: directory, remove: () => {} }
  const before = await childrenNamed('workerd')
  const miniflare = await startWorker({ bundle, variables, storage: storage.path })
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
