import { ApiError } from '@google/genai'
import { describe, expect, test, vi } from 'vitest'
import { geminiError } from '../../src/dialects/gemini/error'
import { type ErrorCode, STATUS } from '../../src/failures/errors'
import { google, postGoogle } from '../support/google'
import { KEY } from '../support/gateway'
import { internet } from '../support/internet'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const MODEL = 'gpt-image-2'
const CAT = { contents: [{ role: 'user', parts: [{ text: 'A cat' }] }] }
const configured = (generationConfig: object): object => ({ ...CAT, generationConfig })
const headersOf = (key: string): Record<string, string> => ({ 'x-goog-api-key': key })

interface GoogleError {
  code: number
  message: string
  status: string
  details: Record<string, unknown>[]
}

/** A failure in the API's form, and its details by the last words of their types. */
async function errorOf(response: Response): Promise<GoogleError & { details: unknown; told: Record<string, unknown> }> {
  const { error } = await response.json<{ error: GoogleError }>()
  expect([response.status, response.headers.get('content-type')]).toEqual([error.code, 'application/json'])
  const told = error.details.map(({ '@type': type, ...facts }) => [String(type).split('.').at(-1), facts])
  return { ...error, told: Object.fromEntries(told) }
}

const refused = async (body: unknown, call = `${MODEL}:generateContent`): ReturnType<typeof errorOf> =>
  await errorOf(await postGoogle(call, body))

describe('a request without permission', () => {
  test('is an error of the SDK', async () => {
    const answer = google('sk-dr-default-wrong').models.generateContent({ model: MODEL, contents: 'A cat' })
    await expect(answer).rejects.toBeInstanceOf(ApiError)
    await expect(answer).rejects.toMatchObject({ status: 400, message: expect.stringContaining('API key not valid') })
  })

  test('with a wrong key has an invalid argument', async () => {
    const error = await errorOf(await postGoogle(`${MODEL}:generateContent?key=wrong`, CAT, {}))
    expect([error.code, error.status]).toEqual([400, 'INVALID_ARGUMENT'])
    expect(error.told['ErrorInfo']).toMatchObject({ reason: 'API_KEY_INVALID', domain: 'googleapis.com' })
  })

  test('without a key names the header for one', async () => {
    const error = await errorOf(await postGoogle(`${MODEL}:generateContent`, CAT, {}))
    expect(error).toMatchObject({ code: 403, status: 'PERMISSION_DENIED' })
    expect(error.message).toContain('x-goog-api-key')
  })

  test("over its limit has the time of a retry in the SDK's error", async () => {
    const { key } = await team('acme', { requests_per_minute: 1 })
    const ask = (): Promise<unknown> => google(key).models.generateContent({ model: MODEL, contents: 'A cat' })
    await ask()
    await expect(ask()).rejects.toMatchObject({ name: 'ApiError', status: 429 })
    const error = await errorOf(await postGoogle(`${MODEL}:generateContent`, CAT, headersOf(key)))
    expect([error.status, error.told['RetryInfo']]).toEqual([
      'RESOURCE_EXHAUSTED',
      { retryDelay: expect.stringMatching(/^[1-9]\d?(?:\.\d+)?s$/) },
    ])
  })

  test('over its budget is RESOURCE_EXHAUSTED', async () => {
    const { key } = await team('acme', { budget_usd: 0 })
    const response = await postGoogle(`${MODEL}:generateContent`, CAT, headersOf(key))
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await errorOf(response)).toMatchObject({ code: 429, status: 'RESOURCE_EXHAUSTED' })
  })

  test('for a model beyond its key is PERMISSION_DENIED', async () => {
    const { key } = await team('acme', { models: ['gemini-*'] })
    const response = await postGoogle(`${MODEL}:generateContent`, CAT, headersOf(key))
    expect(await errorOf(response)).toMatchObject({ code: 403, status: 'PERMISSION_DENIED' })
  })

  test('for too many images names candidateCount', async () => {
    const { key } = await team('acme', { max_n: 1 })
    const body = configured({ candidateCount: 2 })
    const error = await errorOf(await postGoogle(`${MODEL}:generateContent`, body, headersOf(key)))
    expect(error.message).toContain("'generationConfig.candidateCount'")
  })

  test('leaves its key in no log', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    internet({ 'api.openai.com': { handle: () => Response.error() } })
    expect((await postGoogle(`${MODEL}:generateContent?key=${KEY}`, CAT, {})).status).toBe(502)
    expect(log.mock.calls.flat().join('\n')).toContain('attempt-failed')
    expect(log.mock.calls.flat().join('\n')).not.toContain(KEY)
  })
})

describe('a body is refused with', () => {
  const video = { fileData: { mimeType: 'video/mp4', fileUri: 'https://videos.example.com/a.mp4' } }
  const picture = { inlineData: { mimeType: 'image/png', data: btoa('no picture at all') } }

  test.each([
    ['no contents', {}, 'contents'],
    ['no text', { contents: [{ parts: [] }] }, 'contents'],
    ['too much text', { contents: [{ parts: [{ text: 'x'.repeat(32_001) }] }] }, 'contents'],
    ['an unknown field', { ...CAT, foo_bar: 1 }, 'fooBar'],
    ['an unknown part', { contents: [{ parts: [{ functionCall: {} }] }] }, 'contents[0].parts[0].functionCall'],
    ['a field by both of its names', { ...CAT, generationConfig: {}, generation_config: {} }, 'generationConfig'],
    ["another model than the path's", { ...CAT, model: 'models/gpt-image-1' }, 'model'],
    ['no picture', { contents: [{ parts: [{ text: 'A' }, picture] }] }, 'contents[0].parts[1].inlineData.data'],
    ['a video', { contents: [{ parts: [{ text: 'A' }, video] }] }, 'contents[0].parts[1].fileData.mimeType'],
    ['too many candidates', configured({ candidateCount: 9 }), 'generationConfig.candidateCount'],
    ['a seed for a model without one', configured({ seed: 7 }), 'generationConfig.seed'],
    ['text as the one modality', configured({ responseModalities: ['TEXT'] }), 'generationConfig.responseModalities'],
    ['audio as a modality', configured({ responseModalities: ['AUDIO'] }), 'generationConfig.responseModalities[0]'],
    ['no ratio', configured({ imageConfig: { aspectRatio: 'wide' } }), 'generationConfig.imageConfig.aspectRatio'],
    [
      'a topK other than the default',
      configured({ imageConfig: { imageSize: '2k' } }),
      'generationConfig.imageConfig.imageSize',
    ],
    [
      'a ratio that its model lacks',
      configured({ imageConfig: { aspectRatio: '8:1' } }),
      'generationConfig.imageConfig',
    ],
    [
      'a ratio that its model lacks, in the response format',
      configured({ responseFormat: { image: { aspectRatio: '8:1' } } }),
      'generationConfig.responseFormat.image',
    ],
    [
      'a size in two fields',
      configured({ imageConfig: { imageSize: '2K' }, responseFormat: { image: { imageSize: '4K' } } }),
      'generationConfig.imageConfig',
    ],
  ])('%s', async (_, body, field) => {
    const error = await refused(body)
    expect([error.code, error.status]).toEqual([400, 'INVALID_ARGUMENT'])
    expect(error.told['BadRequest']).toMatchObject({ fieldViolations: [{ field, description: error.message }] })
    expect(upstream.calls).toHaveLength(0)
  })

  test('malformed JSON', async () => {
    expect(await refused('{"contents": [')).toMatchObject({ code: 400, status: 'INVALID_ARGUMENT' })
  })

  test('the URL of a missing file', async () => {
    const fileData = { fileUri: 'https://nowhere.example.com/a.png' }
    const error = await refused({ contents: [{ parts: [{ text: 'A' }, { fileData }] }] })
    expect(error.message).toContain("'contents[0].parts[1].fileData.fileUri' could not be read")
  })
})

describe('a field without effect', () => {
  const config = {
    temperature: 1,
    topP: 0.9,
    topK: 40,
    maxOutputTokens: 100,
    thinkingConfig: { thinkingLevel: 'high' },
  }
  const body = { ...configured(config), safetySettings: [], tools: [{ googleSearch: {} }], toolConfig: {} }
  const told = 'tools, temperature, topP, topK, maxOutputTokens, thinkingConfig'

  test('is ignored with a note if it has a value', async () => {
    const response = await postGoogle(`${MODEL}:generateContent`, body)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, told])
    expect(upstream.calls[0]?.fields).toEqual({ model: MODEL, prompt: 'A cat' })
  })

  test('is refused in a strict request', async () => {
    const response = await postGoogle(`${MODEL}:generateContent`, configured(config), {
      ...headersOf(KEY),
      'x-strict': 'true',
    })
    expect((await errorOf(response)).message).toContain("'generationConfig.temperature'")
  })
})

describe('a picture that is not made', () => {
  test('is an answer without candidates, and no error, after a content refusal', async () => {
    const answer = await google().models.generateContent({ model: MODEL, contents: 'A cat @fault=moderation' })
    const { promptFeedback, candidates, usageMetadata } = answer
    expect([promptFeedback?.blockReason, candidates, usageMetadata?.totalTokenCount]).toEqual([
      'IMAGE_SAFETY',
      undefined,
      0,
    ])
  })

  test('is UNAVAILABLE with its upstream down', async () => {
    internet({ 'api.openai.com': { handle: () => Response.error() } })
    expect(await refused(CAT)).toMatchObject({ code: 502, status: 'UNAVAILABLE' })
  })

  test('is NOT_FOUND for an unknown model', async () => {
    const error = await refused(CAT, 'gemini-9:generateContent')
    expect(error).toMatchObject({ code: 404, status: 'NOT_FOUND', message: "The model 'gemini-9' does not exist." })
  })

  test('is NOT_FOUND for an unknown method', async () => {
    expect(await refused(CAT, `${MODEL}:embedContent`)).toMatchObject({ code: 404, status: 'NOT_FOUND' })
  })
})

const WORDS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  415: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
  508: 'FAILED_PRECONDITION',
}

/** Failures with another word than Google's for their status. */
const OTHERWISE = ['content_rejected', 'conflict', 'idempotency_conflict']
const isCode = (name: string): name is ErrorCode => name in STATUS && !OTHERWISE.includes(name)

test.each(Object.keys(STATUS).filter(isCode))('%s has a status of Google and its word', (code) => {
  const { status, text } = geminiError({ code, message: 'Told.' }, 'req_1')
  expect(JSON.parse(text)).toMatchObject({ error: { code: status, status: WORDS[status] } })
})
