import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, expect, test } from 'vitest'
import gateway from '../../src'
import { deleteObjects } from '../support/objects'

afterEach(deleteObjects)

const DAY_MS = 86_400_000

const keys = async (): Promise<string[]> => (await env.IMAGES.list()).objects.map(({ key }) => key)

/** Runs the daily sweep as if so many days had passed. */
async function sweepAfter(days: number): Promise<void> {
  await gateway.scheduled(createScheduledController({ scheduledTime: new Date(Date.now() + days * DAY_MS) }), env)
}

test('the sweep removes input pictures that are older than any job, those of earlier versions too, and nothing else', async () => {
  const inputs = ['inputs/2026-11-20/a', 'inputs/1c8f', 'inputs/staging/b']
  for (const key of [...inputs, 'images/gen_1/run-0.png']) await env.IMAGES.put(key, 'x')
  await sweepAfter(2.9)
  expect(await keys()).toHaveLength(4)
  await sweepAfter(3.1)
  expect(await keys()).toEqual(['images/gen_1/run-0.png'])
})
