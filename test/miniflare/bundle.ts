import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Unstable_Config, unstable_readConfig } from 'wrangler'
import { PLATFORM_FILE, type Platform } from './worker.ts'

const top = fileURLToPath(new URL('../../', import.meta.url))
const configPath = join(top, 'wrangler.toml')

/**
 * Bundles a Worker, its entry given from the top, as `wrangler deploy` does, into a directory that `startWorker` takes.
 * Throws if the bundler fails.
 */
export async function bundle(entry: string, directory: string): Promise<void> {
  const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js')
  const options = ['--config', configPath, '--dry-run', '--outdir', directory]
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' }
  await promisify(execFile)(process.execPath, [wrangler, 'deploy', join(top, entry), ...options], { cwd: top, env })
  await writeFile(join(directory, PLATFORM_FILE), JSON.stringify(platform()))
}

function platform(): Platform {
  const config: Unstable_Config = unstable_readConfig({ config: configPath })
  const objects = config.durable_objects.bindings.map(({ name, class_name: className }) => [name, className])
  return {
    compatibilityDate: String(config.compatibility_date),
    compatibilityFlags: config.compatibility_flags,
    variables: config.vars,
    kvNamespaces: config.kv_namespaces.map(({ binding }) => binding),
    r2Buckets: config.r2_buckets.map(({ binding }) => binding),
    durableObjects: Object.fromEntries(objects),
    images: config.images?.binding,
  }
}
