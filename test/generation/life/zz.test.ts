import { test } from 'vitest'
import { RULES } from './life'
import { runLife, comeToRest, take } from './run'
import { World } from './world'
const brief = (w: World) => {
  const p = w.state.phase as any
  return `${p.is} ${p.run?.reservation ?? p.pending?.settlement.id ?? ''}(${p.run?.task.payer.team}/${p.run?.task.payer.key}) hand=${p.isInHand} leaving=${p.leaving} c=${p.isCancelled} | ${w.state.places.map((x) => x.reservation + ':' + x.task.payer.team + '/' + x.task.payer.key + ':' + x.stands.is).join(' ')} | ${w.state.subscribers.map((s) => s.id + '@' + s.task.payer.team + '/' + s.task.payer.key + (s.leaving ? '-leaving' : '') + (s.isOverdue ? '-overdue' : '')).join(' ')} | msgs ${w.messages.map((m) => m.effect.do).join(',')} | teams ${[...w.teams.orders].map(([r, o]) => r + ':' + o.stands).join(' ')}`
}
test('trace', () => {
  const steps: number[] = JSON.parse(process.env['STEPS'] ?? '[]')
  const world = new World(RULES)
  let n = 0
  const show = (label: string) => {
    while (n < world.past.length) {
      const e = world.past[n++] as any
      console.log(
        '   ' +
          JSON.stringify({
            ...e,
            task: undefined,
            subscribers: e.subscribers?.map((s: any) => s.id),
            held: e.held?.is,
            outcome: e.outcome?.made.ok,
            progress: undefined,
          }),
      )
    }
    console.log(label + ' => ' + brief(world))
  }
  for (const step of steps) {
    take(world, step % 16, Math.floor(step / 16))
    show('step ' + (step % 16) + ',' + Math.floor(step / 16))
  }
  comeToRest(world)
  show('rest')
  console.log(runLife(steps, RULES).join('\n'))
})
