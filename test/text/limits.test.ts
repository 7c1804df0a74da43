import { describe, expect, test, vi } from 'vitest'
import { audit, limitStatus } from '../support/accounting'
import { json } from '../support/fake-text'
import { errorOf, post } from '../support/gateway'
import { ask, operate, team } from '../support/teams'
import { chat, HELLO, texts } from '../support/texts'

const { first, images } = texts()

describe('a request for a text', () => {
  test('counts against the requests of its minute and day, with the number left', async () => {
    const { key } = await team('acme', { requests_per_minute: 2, requests_per_day: 9, images_per_day: 3 })
    const { headers } = await chat(HELLO, key)
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('1')
    expect(headers.get('x-ratelimit-remaining-images')).toBe('3')
    await ask(key)
    expect(await errorOf(await chat(HELLO, key))).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect([first.calls.length, (await limitStatus('acme', 'requests_per_day')).used]).toEqual([1, 2])
  })

  test.each([
    [['gpt-5.2'], 200],
    [['gpt-5*'], 200],
    [['quick'], 200],
    [['gpt-image-2'], 403],
    [[], 403],
  ])('of a key that may use %j is answered with %i', async (models, status) => {
    const { key } = await team('acme', { models })
    expect((await chat({ ...HELLO, model: 'quick' }, key)).status).toBe(status)
    expect(first.calls).toHaveLength(status === 200 ? 1 : 0)
  })

  test('is independent of the limits on pictures', async () => {
    const { key } = await team('acme', { max_n: 1, max_size: '512x512', images_per_day: 0 })
    expect((await chat(HELLO, key)).status).toBe(200)
  })

  test.each([
    ['images_per_day', { images_per_day: 5 }, 400],
    ['budget_usd', { budget_usd: 100 }, 400],
    ['requests_per_day', { requests_per_day: 5 }, 200],
  ])('and for images besides, of a key with %s', async (_, limits, status) => {
    const { key } = await team('acme', limits)
    const tools = [{ type: 'image_generation' }, { type: 'web_search' }]
    const response = await post(
      '/v1/responses',
      { model: 'gpt-5.2', input: 'Hello', tools },
      { authorization: `Bearer ${key}` },
    )
    expect([response.status, first.calls.length]).toEqual([status, status === 200 ? 1 : 0])
    if (status === 400) expect(await errorOf(response)).toMatchObject({ param: 'tools[0]' })
  })

  test('is refused beyond the budget', async () => {
    const { key } = await team('acme', { budget_usd: 0.01 })
    const refused = await errorOf(await chat(HELLO, key))
    expect(refused).toMatchObject({ status: 429, code: 'insufficient_quota' })
    expect((await chat({ ...HELLO, max_tokens: 100 }, key)).status).toBe(200)
    expect(first.calls).toHaveLength(1)
  })

  test('of unknown price is refused to a key with a budget', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    expect(await errorOf(await chat({ ...HELLO, model: 'unpriced' }, key))).toMatchObject({
      status: 403,
      param: 'model',
    })
    expect(first.calls).toEqual([])
  })

  test('takes one place of the concurrency and gives it back', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    first.next(async () => {
      await answered
      return json({})
    })
    const response = chat(HELLO, key)
    await vi.waitUntil(() => first.calls.length === 1)
    const [busy, picture] = [await chat(HELLO, key), await ask(key)]
    expect([busy.status, Number(busy.headers.get('retry-after')) > 0, picture.status]).toEqual([429, true, 429])
    resolve()
    await (await response).text()
    await vi.waitFor(async () => expect((await limitStatus('acme', 'concurrency')).used).toBe(0))
    expect([(await chat(HELLO, key)).status, (await ask(key)).status]).toEqual([200, 200])
    expect(images.calls).toHaveLength(1)
  })

  test('of a revoked key is refused', async () => {
    const { key, id } = await team('acme')
    await operate('DELETE', `/teams/acme/keys/${id}`)
    expect((await chat(HELLO, key)).status).toBe(401)
    expect(await audit('acme')).toEqual([])
  })
})
