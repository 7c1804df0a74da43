import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { bundle } from '../../miniflare/bundle.ts'
import { makeTemporaryDirectory } from '../../miniflare/temporary-directory.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A directory with the bundled gateway in `bundle` and, beside it, the storage of each gateway that runs. */
    gateways: string
  }
}

/** Bundles the gateway once for all test files. */
export default async function setup(project: TestProject): Promise<() => void> {
  const { path, remove } = await makeTemporaryDirectory()
  await bundle('src/index.ts', join(path, 'bundle'))
  project.provide('gateways', path)
  return remove
}
