import { OpenAI } from 'openai'
import { OpenAI as OpenAI4 } from 'openai-4'
import { exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { KEY, openai, ORIGIN } from '../support/gateway'
import { asking, postResponse, respond, watch } from '../support/responses'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const FAILED = 'The upstream failed to make the image. Try again.'
const FAILING = 'A cat @fault=error-inside'

describe('before the first event, a response fails', () => {
  const FAILURES: [string, new (...given: never[]) => Error, number, string | null][] = [
    ['429', OpenAI.InternalServerError, 503, 'server_is_overloaded'],
    ['moderation', OpenAI.BadRequestError, 400, 'moderation_blocked'],
    ['500', OpenAI.InternalServerError, 502, null],
  ]

  test.each(FAILURES)('with a status of its own (@fault=%s)', async (fault, kind, status, code) => {
    const error = await respond({ input: `A cat @fault=${fault}` }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ status, code, requestID: expect.stringMatching(/^req_/) })
  })

  test.each(FAILURES)('so does its stream (@fault=%s)', async (fault, kind, status) => {
    const { events, ended } = watch(`A cat @fault=${fault}`, 2)
    const error = await ended
    expect(error).toBeInstanceOf(kind)
    expect([error, events]).toMatchObject([{ status }, []])
  })
})

describe('in its middle, a stream', () => {
  test("ends with the client's own error", async () => {
    const { events, ended } = watch(FAILING, 2)
    const error = await ended
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ message: FAILED, type: 'server_error', code: null, param: null })
    expect(events.map(({ type }) => type).slice(4)).toEqual([
      'response.image_generation_call.generating',
      'response.image_generation_call.partial_image',
      'response.image_generation_call.partial_image',
    ])
  })

  test("ends with the error of the SDK's helper", async () => {
    const stream = openai().responses.stream({ ...asking({ input: FAILING }, { partial_images: 1 }), stream: true })
    await expect(stream.finalResponse()).rejects.toThrow(FAILED)
  })

  test('ends with the error of openai 4', async () => {
    const client = new OpenAI4({
      apiKey: KEY,
      baseURL: `${ORIGIN}/v1`,
      fetch: (input: RequestInfo, init?: RequestInit) => exports.default.fetch(new Request(input, init)),
    })
    const tools = [{ type: 'image_generation', partial_images: 1 } as const]
    const stream = await client.responses.create({ model: 'gpt-4.1', input: FAILING, tools, stream: true })
    const seen: string[] = []
    const readAll = async (): Promise<void> => {
      for await (const { type } of stream) seen.push(type)
    }
    await expect(readAll()).rejects.toThrow(FAILED)
    expect(seen.at(-1)).toBe('response.image_generation_call.partial_image')
  })

  test("has the API's error event and then a failed response", async () => {
    const tools = [{ type: 'image_generation', partial_images: 1 }]
    const response = await postResponse({ input: FAILING, tools, stream: true })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const frames = (await response.text()).split('\n\n')
    expect(frames.pop()).toBe('')
    const [error, failed] = frames.slice(-2).map((frame) => {
      const [, name, data = ''] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? []
      return { name, data: JSON.parse(data) as unknown }
    })
    const told = { message: FAILED, type: 'server_error', param: null, code: null }
    expect(error).toEqual({
      name: 'error',
      data: { type: 'error', sequence_number: 6, code: null, message: FAILED, param: null, error: told },
    })
    expect(failed).toMatchObject({
      name: 'response.failed',
      data: {
        type: 'response.failed',
        sequence_number: 7,
        response: {
          status: 'failed',
          error: { code: 'server_error', message: FAILED },
          output: [{ type: 'image_generation_call', status: 'failed', result: null, error: told }],
          usage: null,
        },
      },
    })
  })

  test('has one further attempt after a lost answer, with its previews once', async () => {
    const { events, ended } = watch('A cat @once=cut', 2)
    expect(await ended).toBeUndefined()
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at))
    expect([events.filter(({ type }) => type.endsWith('.partial_image')).length, upstream.calls.length]).toEqual([2, 2])
  })
})
