import { OpenAI } from 'openai'
import { OpenAI as OpenAI4 } from 'openai-4'
import { describe, expect, test } from 'vitest'
import { ask, ASKED, complete, dataUrl, openai4 } from '../support/chat'
import { errorOf, openai, post } from '../support/gateway'
import { picture } from '../support/pictures'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** The error that a call throws. */
const thrownBy = (request: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(request).catch((thrown: unknown) => thrown)

const saying = (content: string): { role: 'user'; content: string }[] => [{ role: 'user', content }]

describe.each([false, true])('with stream: %s, the clients', (stream) => {
  test.each([
    ['429', OpenAI.InternalServerError, OpenAI4.InternalServerError, 503],
    ['moderation', OpenAI.BadRequestError, OpenAI4.BadRequestError, 400],
    ['500', OpenAI.InternalServerError, OpenAI4.InternalServerError, 502],
  ])('have an error of their own for an upstream that fails (@fault=%s)', async (fault, kind, kind4, status) => {
    const wanted = { ...ASKED, messages: saying(`A cat @fault=${fault}`), stream }
    const error = await thrownBy(openai().chat.completions.create(wanted))
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({
      status,
      requestID: expect.stringMatching(/^req_/),
      message: expect.stringMatching(/\w/),
    })
    expect(await thrownBy(openai4().chat.completions.create({ ...wanted, n: 2 }))).toBeInstanceOf(kind4)
  })
})

test('have a content refusal with its code', async () => {
  const error = await thrownBy(complete(saying('A cat @fault=moderation')))
  expect(error).toMatchObject({ status: 400, code: 'moderation_blocked', type: 'image_generation_user_error' })
})

describe("a team's limits", () => {
  const limited = async (limits: Record<string, unknown>): Promise<OpenAI> =>
    openai({ apiKey: (await team('acme', limits)).key })

  test('refuse a request too soon', async () => {
    const client = await limited({ requests_per_minute: 1 })
    await client.chat.completions.create(ASKED)
    const error = await thrownBy(client.chat.completions.create(ASKED))
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error).toMatchObject({ code: 'rate_limit_exceeded' })
  })

  test('count every choice as an image', async () => {
    const client = await limited({ images_per_day: 3 })
    await client.chat.completions.create({ ...ASKED, n: 2 })
    expect(await thrownBy(client.chat.completions.create({ ...ASKED, messages: saying('A dog'), n: 2 }))).toMatchObject(
      { status: 429 },
    )
    expect(upstream.calls).toHaveLength(1)
  })

  test('refuse a request over the budget for good', async () => {
    const client = await limited({ budget_usd: 0 })
    const error = await thrownBy(client.chat.completions.create(ASKED))
    expect(error).toMatchObject({ status: 429, code: 'insufficient_quota' })
  })

  test.each([
    [{ max_n: 1 }, { n: 2 }, 400, 'n'],
    [{ models: ['relay-1'] }, {}, 403, 'model'],
    [{ max_size: '1024x1024' }, { image_config: { image_size: '2K' } }, 400, 'image_config.image_size'],
  ])("of %j have the parameter's name in their refusals", async (limits, more, status, param) => {
    const { key } = await team('acme', limits)
    expect(await errorOf(await ask(more, { authorization: `Bearer ${key}` }))).toMatchObject({ status, param })
  })

  test('allow a model with its vendor', async () => {
    const { key } = await team('acme', { models: ['gpt-image-2'] })
    const response = await ask({ model: 'openai/gpt-image-2' }, { authorization: `Bearer ${key}` })
    expect(response.status).toBe(200)
  })
})

test('a wrong key and malformed JSON are refused in the form of the API', async () => {
  const error = await thrownBy(openai({ apiKey: 'sk-wrong' }).chat.completions.create(ASKED))
  expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
  const cut = JSON.stringify(ASKED).slice(0, -2)
  expect(await errorOf(await post('/v1/chat/completions', cut))).toMatchObject({
    status: 400,
    type: 'invalid_request_error',
  })
  const half = JSON.stringify({ ...ASKED, messages: saying(`![a](${dataUrl(await picture('a', 300_000))}`) })
  expect(await errorOf(await post('/v1/chat/completions', half.slice(0, 200_000)))).toMatchObject({
    status: 400,
    message: expect.stringContaining('could not parse the JSON'),
  })
  const form = await post('/v1/chat/completions', ASKED, { 'content-type': 'text/plain' })
  expect(await errorOf(form)).toMatchObject({ status: 400, code: 'unsupported_content_type' })
})

test('a body that is too large is refused unread', async () => {
  const content = 'x'.repeat(8_000_001)
  expect(await errorOf(await ask({ messages: saying(content) }))).toMatchObject({ status: 413 })
})
