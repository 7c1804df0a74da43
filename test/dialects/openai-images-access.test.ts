import { OpenAI } from 'openai'
import { describe, expect, test } from 'vitest'
import { openaiError } from '../../src/dialects/openai/error'
import { type ErrorCode, STATUS } from '../../src/failures/errors'
import { errorOf, KEY, knock, openai, post, postForm } from '../support/gateway'
import { upstreams } from '../support/upstreams'
import { picture } from '../support/pictures'
import { concatenate } from '../support/png'

upstreams()

const base = { model: 'gpt-image-2', prompt: 'A cat' }

describe('access', () => {
  test.each([
    ['no key', {}, null],
    ['a wrong key', { authorization: 'Bearer sk-dr-default-wrong' }, 'invalid_api_key'],
    ['another scheme', { authorization: `Basic ${KEY}` }, null],
  ])('%s is refused without waiting for the body', async (_, headers, code) => {
    const body = new ReadableStream({ pull: () => new Promise(() => {}) })
    const response = await knock('/v1/images/edits', { method: 'POST', headers, body })
    expect(await errorOf(response)).toMatchObject({ status: 401, code, type: 'invalid_request_error', param: null })
  })

  test('a body over the cap is refused before it is read', async () => {
    const response = await post('/v1/images/generations', ' '.repeat(8_000_001))
    expect(await errorOf(response)).toMatchObject({ status: 413, message: expect.stringContaining('8000000 bytes') })
  })

  test('a body without a declared length is refused when it passes the cap', async () => {
    const head = '--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    const start = concatenate(new TextEncoder().encode(head), await picture('a'))
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(start),
      pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
    })
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' }
    const response = await knock('/v1/images/edits', { method: 'POST', headers, body })
    expect(await errorOf(response)).toMatchObject({ status: 413, code: 'request_too_large' })
  })

  test.each([
    ['one text of a form', [['prompt', 'x'.repeat(1_100_000)]]],
    ['many texts of a form', Array.from({ length: 5 }, (_, at) => [`field${at}`, 'x'.repeat(250_000)])],
    ['a form with many names', Array.from({ length: 65 }, (_, at) => [`field${at}`, 'x'])],
  ] satisfies [string, [string, string][] | string[][]][])(
    '%s is refused before it fills the memory',
    async (_, parts) => {
      const form = parts.map(([name = '', value = '']): [string, string] => [name, value])
      expect((await postForm('/v1/images/edits', form)).status).toBe(400)
    },
  )

  test('a parameter in a message is cut at a length', async () => {
    const response = await post('/v1/images/generations', { ...base, model: 'm'.repeat(100_000) })
    expect((await response.text()).length).toBeLessThan(400)
  })
})

const CLASSES: Partial<Record<number, unknown>> = {
  400: OpenAI.BadRequestError,
  401: OpenAI.AuthenticationError,
  403: OpenAI.PermissionDeniedError,
  404: OpenAI.NotFoundError,
  409: OpenAI.ConflictError,
  422: OpenAI.UnprocessableEntityError,
  429: OpenAI.RateLimitError,
}

const isCode = (name: string): name is ErrorCode => name in STATUS

test.each(Object.keys(STATUS).filter(isCode))(
  'the code %s raises the SDK class of its status, with a message',
  async (code) => {
    const answer = Response.json(openaiError({ code, message: 'Do this next.' }, 'req_1'), { status: STATUS[code] })
    const client = openai({ fetch: () => Promise.resolve(answer) })
    const error: unknown = await client.images.generate(base).catch((thrown: unknown) => thrown)
    const expected = STATUS[code] >= 500 ? OpenAI.InternalServerError : (CLASSES[STATUS[code]] ?? OpenAI.APIError)
    expect(error).toBeInstanceOf(expected)
    expect(error).toMatchObject({ message: expect.stringContaining('Do this next.') })
  },
)
