import { rmSync } from 'node:fs'
import { mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory for the files of one runtime's KV, R2 and Durable Objects. */
export interface Storage {
  path: string
  remove: () => void
}

const MEMORY = '/dev/shm'

/** Twice what one run of the benchmark stores. */
const NEEDED_BYTES = 4 * 1024 ** 3

/** In memory where there is room: how long a disk takes to make a file is not what is measured. */
export const storagePlace = async (): Promise<string> => ((await freeBytes(MEMORY)) >= NEEDED_BYTES ? MEMORY : tmpdir())

export async function makeStorage(): Promise<Storage> {
  const path = await mkdtemp(join(await storagePlace(), 'darkroom-bench-'))
  const remove = (): void => {
    process.off('exit', remove)
    rmSync(path, { recursive: true, force: true })
  }
  process.once('exit', remove)
  return { path, remove }
}

async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch {
    return 0
  }
}
