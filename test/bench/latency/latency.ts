/**
 * The time of each kind of request, with the objects and stores of the gateway at a set distance. The table has the far
 * calls of each as well, and marks each goal. The exit code is 1 if one is not reached. A word on the command line picks
 * the scenes with that word in their names.
 */
import { aligned, median } from '../table.ts'
import { startFarGateway } from './far-gateway.ts'
import { callsOf, msOf } from './measure.ts'
import { SCENES, needs } from './scenes.ts'

/** The rounds of a time, which is their median. A busy machine lengthens single ones. */
const ROUNDS = 5

const [wanted = ''] = process.argv.slice(2)
const chosen = Object.entries(SCENES).filter(([name]) => name.includes(wanted))

console.error('building the gateway, and storing pictures')
const gateway = await startFarGateway(needs(ROUNDS + 1))
try {
  const rows = []
  for (const [scene, { goalMs }] of chosen) {
    console.error(`measuring: ${scene}`)
    const calls = await callsOf(gateway, scene)
    const times: number[] = []
    while (times.length < ROUNDS) times.push(await msOf(gateway, scene))
    const isReached = median(times) <= goalMs
    if (!isReached) process.exitCode = 1
    rows.push({
      scene,
      median: `${median(times).toFixed(0)} ms`,
      goal: `<= ${goalMs} ms`,
      result: isReached ? 'reached' : 'NOT REACHED',
      'calls in sequence': calls.before.join(' → ') || 'none',
      'after the answer': calls.after.join(' → ') || 'none',
    })
  }
  console.log(aligned(['scene', 'median', 'goal', 'result', 'calls in sequence', 'after the answer'], rows))
} finally {
  await gateway.stop()
}
