import { cp, mkdtemp, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Program, run } from './program.ts'

/** The gateway as `npm start` runs it. */
export interface Started extends Program {
  baseUrl: string
  key: string
  /** The command that its welcome suggests. */
  suggestion: string
}

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url))
const WELCOME = /URL {2}(\S+)\n +Key {2}(\S+)\n[\s\S]*?\n {2}(curl .*)\n/

/** Starts it on a free port, in a clone of the project. */
export async function npmStart(clone: string): Promise<Started> {
  const program = await run('npm', ['start', '--', '0'], WELCOME, clone)
  const [, baseUrl = '', key = '', suggestion = ''] = program.said
  return { ...program, baseUrl, key, suggestion }
}

/** A copy of the project without this machine's secrets and state, and without tests. */
export async function clone(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'darkroom-'))
  const isCloned = (path: string): boolean => !/^(?:\.|node_modules|test)/.test(relative(PROJECT, path))
  await cp(PROJECT, directory, { recursive: true, filter: isCloned })
  await symlink(join(PROJECT, 'node_modules'), join(directory, 'node_modules'))
  return directory
}
