import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A running program with all of its child processes. */
export interface Program {
  /** The match of `ready` in its output. */
  said: RegExpExecArray
  /** Sends SIGTERM to all of it, and waits for the end. */
  stop: () => Promise<void>
  /** Sends SIGKILL to all of it. */
  kill: () => Promise<void>
}

const GUARD = fileURLToPath(new URL('guard.ts', import.meta.url))

/** The time from SIGTERM to SIGKILL. */
const GRACE_MS = 10_000

/**
 * Starts a program in a process group of its own and waits until what it prints matches `ready`. Throws with all that it
 * printed where it ends before.
 */
export async function run(
  command: string,
  options: string[],
  ready: RegExp,
  directory = process.cwd(),
): Promise<Program> {
  const child = spawn(process.execPath, [GUARD, command, ...options], { cwd: directory, detached: true })
  const closed = once(child, 'close')

  let printed = ''
  const said = new Promise<RegExpExecArray>((resolve) => {
    const listen = (text: string): void => {
      printed += text
      const found = ready.exec(printed)
      if (found) resolve(found)
    }
    child.stdout.setEncoding('utf8').on('data', listen)
    child.stderr.setEncoding('utf8').on('data', listen)
  })
  const ended = closed.then(([code]) => Promise.reject(new Error(`${command} ended with ${String(code)}:\n${printed}`)))
  ended.catch(() => {})

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    signalGroup(child.pid, signal)
    await closed
  }
  const stop = async (): Promise<void> => {
    const impatience = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE_MS)
    await end('SIGTERM').finally(() => clearTimeout(impatience))
  }
  return { said: await Promise.race([said, ended]), stop, kill: () => end('SIGKILL') }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: all of it has ended.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
