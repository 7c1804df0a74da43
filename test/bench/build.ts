import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const top = fileURLToPath(new URL('../../', import.meta.url))
export const configPath = join(top, 'wrangler.toml')

/** One file of a Worker; the first of several is the one that is run. */
export interface WorkerModule {
  type: 'ESModule' | 'CompiledWasm'
  path: string
  contents: string | Uint8Array<ArrayBuffer>
}

/** Bundles a Worker of ours, its entry given from the top, exactly as `wrangler deploy` does. */
export async function build(entry: string): Promise<WorkerModule[]> {
  const directory = await mkdtemp(join(tmpdir(), 'darkroom-bench-'))
  try {
    const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js')
    const options = ['--config', configPath, '--dry-run', '--outdir', directory]
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' }
    await promisify(execFile)(process.execPath, [wrangler, 'deploy', join(top, entry), ...options], { cwd: top, env })
    return await modulesIn(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function modulesIn(directory: string): Promise<WorkerModule[]> {
  const scripts: WorkerModule[] = []
  const binaries: WorkerModule[] = []
  for (const path of await readdir(directory)) {
    const file = join(directory, path)
    if (extname(path) === '.js') scripts.push({ type: 'ESModule', path, contents: await readFile(file, 'utf8') })
    if (extname(path) === '.wasm') {
      binaries.push({ type: 'CompiledWasm', path, contents: new Uint8Array(await readFile(file)) })
    }
  }
  return [...scripts, ...binaries]
}
