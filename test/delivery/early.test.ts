import { expect, test } from 'vitest'
import { early } from '../../src/delivery/early'
import { Glimpses } from '../../src/delivery/glimpses'

const PARTIAL = { image: { key: 'partials/a', mediaType: 'image/png' as const, bytes: 3 }, index: 0, partial: 0 }

test('an answer that fails while a preview is on its way, and its client leaves, is left unheard', async () => {
  const unheard: unknown[] = []
  globalThis.addEventListener('unhandledrejection', (event) => {
    unheard.push(event)
    event.preventDefault()
  })
  const { promise: answer, reject } = Promise.withResolvers<never>()
  const glimpses = new Glimpses(1, false)
  glimpses.add(PARTIAL)
  const response = early(
    {
      contentType: 'text/event-stream',
      opening: '',
      idle: () => ': still working\n\n',
      glimpses,
      everyMs: 1000,
      answer,
      show: async () => {
        reject(new Error('the upstream failed'))
        await new Promise((resolve) => setTimeout(resolve, 50))
        return undefined
      },
      excuse: async () => undefined,
    },
    {},
  )
  await response.body?.cancel()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(unheard).toEqual([])
})
