import { rmSync } from 'node:fs'
import { mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'

/** Twice as much as one run of the benchmark stores. */
const NEEDED_BYTES = 4 * 1024 ** 3

/** Memory, if it has room: a slow disk would slow every start. */
export const storagePlace = async (): Promise<string> => ((await freeBytes(MEMORY)) >= NEEDED_BYTES ? MEMORY : tmpdir())

/** A directory of its own, which `remove` or else the end of this process removes. */
export interface TemporaryDirectory {
  path: string
  remove: () => void
}

export async function makeTemporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(await storagePlace(), 'darkroom-'))
  const remove = (): void => {
    process.off('exit', remove)
    rmSync(path, { recursive: true, force: true, maxRetries: 10 })
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
