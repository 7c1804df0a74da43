import { afterEach, expect, test, vi } from 'vitest'
import { audit } from '../support/accounting'
import { textAnswer } from '../support/fake-text'
import { SteppedText } from '../support/stepped-text'
import { accountsOf, so } from '../support/watched-upstreams'
import { settings } from '../support/settings'
import { team } from '../support/teams'
import { chat, HELLO, texts } from '../support/texts'

const { first } = texts()
settings({
  UPSTREAMS: JSON.stringify([
    {
      name: 'first',
      provider: 'openai',
      secret: 'FIRST_KEY',
      base_url: 'https://first.example.com/v1',
      models: ['gpt-5.2'],
      timeout_seconds: 0.3,
      max_concurrency: 1,
    },
  ]),
})
afterEach(() => vi.useRealTimers())

const MINUTE_MS = 60_000

test('an answer has its slot until its end', async () => {
  const stepped = new SteppedText(['data: {}\n\n'], 1)
  first.next(stepped.answer)
  const reader = (await chat({ ...HELLO, stream: true })).body?.getReader()
  await reader?.read()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  for (let times = 0; times < 3; times++) {
    vi.setSystemTime(Date.now() + 0.6 * MINUTE_MS)
    await scheduler.wait(500)
  }
  expect([(await chat()).status, first.calls.length]).toEqual([503, 1])
  stepped.step()
  await reader?.read()
  await idle()
  expect((await chat()).status).toBe(200)
})

/** Resolves when the account has no request in flight. */
const idle = (): Promise<void> => so(async () => (await accountsOf('first'))[0]?.in_use === 0)

test('answers that break off are failures of their account', async () => {
  for (let times = 0; times < 5; times++) {
    first.next(() => {
      const pieces = ['{"choices":']
      const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
        const piece = pieces.shift()
        if (piece === undefined) controller.error(new Error('reset'))
        else controller.enqueue(new TextEncoder().encode(piece))
      }
      return textAnswer(new ReadableStream({ pull }), 'application/json')
    })
    await (await chat()).text().catch(() => {})
    await idle()
  }
  expect(await accountsOf('first')).toMatchObject([{ status: 'open' }])
})

test('the audit of an answer has its upstream', async () => {
  const { key } = await team('acme')
  await (await chat(HELLO, key)).text()
  await vi.waitFor(async () => expect(await audit('acme')).toMatchObject([{ route: 'first/0 served' }]))
})
