import { describe, expect, test, vi } from 'vitest'
import { refusal } from '../support/fake-text'
import { errorOf, KEY, knock, post } from '../support/gateway'
import { audit } from '../support/accounting'
import { picture } from '../support/pictures'
import { team } from '../support/teams'
import { chat, stored, texts } from '../support/texts'

const { first, second, images } = texts()

const MEGABYTE = 1024 * 1024

/** A conversation with a picture in it and the model behind it, in the order of OpenAI's client for Python. */
const withPicture = (bytes: Uint8Array, model: string): string => {
  const url = `data:image/png;base64,${bytes.toBase64()}`
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url } },
  ]
  return JSON.stringify({ messages: [{ role: 'user', content }], model })
}

/** No stored body remains after its answer has ended. */
const nothingLeft = (): Promise<void> => vi.waitFor(async () => expect(await stored()).toEqual([]))

describe('a body of five megabytes with its model at the end', () => {
  const body = withPicture(new Uint8Array(3.5 * MEGABYTE).fill(7), 'gpt-5.2')

  test('is passed on byte for byte and then removed', async () => {
    const response = await post('/v1/chat/completions', body)
    expect([response.status, first.calls[0]?.body === body]).toEqual([200, true])
    await response.text()
    await nothingLeft()
  })

  test('is passed on again when its first upstream fails', async () => {
    first.next(() => refusal(500, 'Oops'))
    await (await post('/v1/chat/completions', body)).text()
    expect(second.calls[0]?.body === body.replace('"gpt-5.2"', '"gpt-5.2-eu"')).toBe(true)
    await nothingLeft()
  })

  test("has its model under the upstream's name", async () => {
    await (await post('/v1/chat/completions', body.replace('gpt-5.2', 'brief'))).text()
    const [call] = first.calls
    expect(call?.body === body.replace('"gpt-5.2"', '"gpt-5.2-mini-with-a-longer-name"')).toBe(true)
    await nothingLeft()
  })

  test('is quoted by its text, and its picture as one picture', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    expect((await chat(body, key)).status).toBe(200)
    const [entry] = await audit('acme')
    expect(entry?.reserved_usd).toBeLessThan(0.12)
  })

  test('is not stored after a refusal', async () => {
    expect((await post('/v1/chat/completions', body.replace('gpt-5.2', 'gpt-6'))).status).toBe(404)
    await nothingLeft()
  })

  test('is refused as too large even without a declared length', async () => {
    const large = new Blob([body, body]).stream()
    const headers = { authorization: `Bearer ${KEY}` }
    const response = await knock('/v1/chat/completions', { method: 'POST', body: large, headers })
    expect(await errorOf(response)).toMatchObject({ status: 413 })
    await nothingLeft()
  })
})

test('a conversation with a large picture for an image model is read as usual, and not stored', async () => {
  const body = withPicture(await picture('a', 2 * MEGABYTE), 'gpt-image-2')
  const response = await post('/v1/chat/completions', body)
  expect([response.status, images.calls.length]).toEqual([200, 1])
  await vi.waitFor(async () => expect(await stored('inputs/')).toEqual([]))
})
