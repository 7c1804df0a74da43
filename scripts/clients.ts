/* Installs the clients of `test/clients` as its lock file has them, and shows them to the tests in `test/node_modules`. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../test/clients/', import.meta.url))
const SHOWN = fileURLToPath(new URL('../test/node_modules/', import.meta.url))

/** The digest of the lock file that the folder was installed from. */
const STAMP = join(FOLDER, 'node_modules/.installed')

const lock = readFileSync(join(FOLDER, 'package-lock.json'))
const digest = createHash('sha256').update(lock).digest('hex')

if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== digest) {
  install()
  showToTests()
  writeFileSync(STAMP, digest)
}

function install(): void {
  const { npm_execpath: npm } = process.env
  if (npm === undefined) throw new Error('Run this script by `npm run clients`.')
  const { status } = spawnSync(
    process.execPath,
    [npm, 'ci', '--no-audit', '--no-fund', '--omit=optional', '--loglevel=error'],
    {
      cwd: FOLDER,
      stdio: 'inherit',
    },
  )
  if (status !== 0) process.exit(status ?? 1)
}

/** Links each direct dependency, and no other package: tests share the product's zod and types. */
function showToTests(): void {
  rmSync(SHOWN, { recursive: true, force: true })
  for (const name of Object.keys(JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')).dependencies)) {
    const link = join(SHOWN, name)
    mkdirSync(dirname(link), { recursive: true })
    // A junction needs no privilege on Windows. Other systems ignore the type.
    symlinkSync(join(FOLDER, 'node_modules', name), link, 'junction')
  }
}
