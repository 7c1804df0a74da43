import { bundle } from '../miniflare/bundle.ts'
import { makeTemporaryDirectory } from '../miniflare/temporary-directory.ts'

/** Bundles a Worker, its entry given from the top, into a directory that the end of this process removes. */
export async function build(entry: string): Promise<string> {
  const { path } = await makeTemporaryDirectory()
  await bundle(entry, path)
  return path
}
