import { expect, test } from 'vitest'
import { early } from '../../src/delivery/early'
import { ProgressEvents } from '../../src/delivery/progress-events'
import type { Ready } from '../../src/delivery/whole'

const PARTIAL = { image: { key: 'partials/a', mediaType: 'image/png' as const, bytes: 3 }, index: 0, partial: 0 }

test('an answer that fails while a preview is sent is dropped without an error when its client leaves', async () => {
  const unheard: unknown[] = []
  globalThis.addEventListener('unhandledrejection', (event) => {
    unheard.push(event)
    event.preventDefault()
  })
  const { promise: answer, reject } = Promise.withResolvers<never>()
  const events = new ProgressEvents(1, false)
  events.add(PARTIAL)
  const response = early(
    {
      contentType: 'text/event-stream',
      opening: '',
      idle: () => ': still working\n\n',
      events,
      everyMs: 1000,
      answer,
      show: async () => {
        reject(new Error('the upstream failed'))
        await new Promise((resolve) => setTimeout(resolve, 50))
        return undefined
      },
      renderFailure: async () => undefined,
    },
    {},
  )
  await response.body?.cancel()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(unheard).toEqual([])
})

test('previews that arrive together with the answer come before it', async () => {
  const events = new ProgressEvents(2, false)
  const encoder = new TextEncoder()
  const readyWith = (text: string): Ready => ({
    contentType: 'text/plain',
    body: () => text,
    write: (writer) => writer.write(encoder.encode(text)),
  })
  for (const partial of [0, 1]) events.add({ ...PARTIAL, partial })
  const response = early(
    {
      contentType: 'text/plain',
      opening: 'opening ',
      idle: () => 'idle ',
      events,
      everyMs: 1000,
      answer: Promise.resolve(readyWith('answer')),
      show: async (event) => readyWith('partial' in event ? `preview ${event.partial} ` : ''),
      renderFailure: async () => undefined,
    },
    {},
  )
  expect(await response.text()).toBe('opening preview 0 preview 1 answer')
})
