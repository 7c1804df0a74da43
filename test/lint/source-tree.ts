import { type DisposableTempDir, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Writes files by their paths into a temporary directory, which goes with its scope. */
export function sourceTree(files: Record<string, string>): DisposableTempDir {
  const directory = mkdtempDisposableSync(join(tmpdir(), 'darkroom-'))
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory.path, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return directory
}
