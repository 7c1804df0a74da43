import { readFile, writeFile } from 'node:fs/promises'

/** The running children of this process that have this name. */
export async function childrenNamed(name: string): Promise<number[]> {
  const said = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
  const pids = said.split(' ').filter(Boolean).map(Number)
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8')))
  return pids.filter((_, index) => names[index]?.trim() === name)
}

/** The largest memory of a process since it began or since `restartPeak`, in bytes. */
export const peakBytes = (pid: number): Promise<number> => statusBytes(pid, 'VmHWM')

/** Restarts a process's peak from its current memory, which is returned in bytes. */
export async function restartPeak(pid: number): Promise<number> {
  await writeFile(`/proc/${pid}/clear_refs`, '5')
  return await statusBytes(pid, 'VmRSS')
}

async function statusBytes(pid: number, field: 'VmHWM' | 'VmRSS'): Promise<number> {
  const said = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(said)?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`)
  return Number(kibibytes) * 1024
}

/** The unit of processor time in Linux, fixed for user space. */
const TICKS_PER_SECOND = 100

/** The processor time that a process has used since it began, in all of its threads, in ms. */
export async function cpuMs(pid: number): Promise<number> {
  const said = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name may hold spaces. Field 3 follows its bracket; fields 14 and 15 are utime and stime.
  const fields = said.slice(said.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}
