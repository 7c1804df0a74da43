/* Runs a program and ends its process group at the end of the parent process, even a sudden one. */
import { spawn } from 'node:child_process'

const [command = '', ...options] = process.argv.slice(2)
const program = spawn(command, options, { stdio: ['ignore', 'inherit', 'inherit'] })
program.on('exit', (code) => process.exit(code ?? 1))
process.stdin.resume().on('close', () => process.kill(0, 'SIGKILL'))
