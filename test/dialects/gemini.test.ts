import { describe, expect, test, vi } from 'vitest'
import { google, google2, picturesOf, postGoogle } from '../support/google'
import { KEY, knock, openai } from '../support/gateway'
import { internet } from '../support/internet'
import { hex, sha256 } from '../support/fake-picture'
import { picture } from '../support/pictures'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const MODEL = 'gpt-image-2'

const inline = async (name: string): Promise<{ inlineData: { mimeType: string; data: string } }> => ({
  inlineData: { mimeType: 'image/png', data: (await picture(name)).toBase64() },
})

const digest = async (bytes: Uint8Array): Promise<string> => hex(await sha256(Uint8Array.from(bytes)))
const digestOf = async (name: string): Promise<string> => await digest(await picture(name))

/** The upstream's last request, in a few words. */
const sent = (): unknown[] =>
  upstream.calls
    .slice(-1)
    .flatMap(({ path, fields, files }) => [path.split('/').at(-1), fields['prompt'], files.map((file) => file.sha256)])

describe.each([
  ['3', google],
  ['2', google2],
])('version %s of the SDK of Google', (_, client) => {
  test('gets a picture for a text, with its usage', async () => {
    const answer = await client().models.generateContent({ model: MODEL, contents: 'A cat' })
    expect(answer.candidates).toMatchObject([
      {
        content: { role: 'model', parts: [{ inlineData: { mimeType: 'image/png' } }] },
        finishReason: 'STOP',
        index: 0,
      },
    ])
    expect(answer.data).toMatch(/^iVBOR/)
    expect(answer).toMatchObject({ modelVersion: MODEL, responseId: expect.stringMatching(/^req_/) })
    const { promptTokenCount = 0, candidatesTokenCount = 0, ...usage } = answer.usageMetadata ?? {}
    expect(usage).toEqual({
      totalTokenCount: promptTokenCount + candidatesTokenCount,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: promptTokenCount }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: candidatesTokenCount }],
    })
    expect(sent()).toEqual(['generations', 'A cat', []])
  })

  test('gets a picture for a picture', async () => {
    const contents = [{ role: 'user', parts: [{ text: 'Make it night' }, await inline('day')] }]
    const answer = await client().models.generateContent({ model: MODEL, contents })
    expect(answer.data).toMatch(/^iVBOR/)
    expect(sent()).toEqual(['edits', 'Make it night', [await digestOf('day')]])
  })

  test('goes on with the picture of an answer', async () => {
    const chat = client().chats.create({ model: MODEL })
    const first = await chat.sendMessage({ message: 'A cat' })
    const second = await chat.sendMessage({ message: 'Give it a hat' })
    expect(second.data).not.toBe(first.data)
    expect(sent()).toEqual(['edits', 'Give it a hat', [await digest(Uint8Array.fromBase64(first.data ?? ''))]])
  })

  test('gets the requested number of candidates', async () => {
    const answer = await client().models.generateContent({
      model: MODEL,
      contents: 'A cat',
      config: { candidateCount: 2 },
    })
    expect(answer.candidates?.map(({ index }) => index)).toEqual([0, 1])
    expect(new Set(picturesOf(answer)).size).toBe(2)
  })

  test('gets each picture of a stream in one piece, and the usage with the last', async () => {
    const config = { candidateCount: 2 }
    const chunks = []
    for await (const chunk of await client().models.generateContentStream({ model: MODEL, contents: 'A cat', config }))
      chunks.push(chunk)
    expect(chunks.map((chunk) => chunk.candidates?.map(({ index, finishReason }) => [index, finishReason]))).toEqual([
      [[0, 'STOP']],
      [[1, 'STOP']],
    ])
    expect(chunks.map(({ usageMetadata }) => usageMetadata !== undefined)).toEqual([false, true])
    const whole = await client().models.generateContent({ model: MODEL, contents: 'A cat', config })
    expect(chunks.flatMap(picturesOf)).toEqual(picturesOf(whole))
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('a request for a picture', () => {
  test("equals one in OpenAI's form, and is made once", async () => {
    const { data } = await openai().images.generate({ model: MODEL, prompt: 'A cat' })
    const answer = await google().models.generateContent({ model: MODEL, contents: 'A cat' })
    expect([answer.data, upstream.calls.length]).toEqual([data?.[0]?.b64_json, 1])
  })

  test('may use the names of protobuf as well', async () => {
    const { inlineData } = await inline('day')
    const response = await postGoogle(`${MODEL}:generateContent`, {
      system_instruction: { parts: { text: 'Paint in oil. Keep snake_case.' } },
      contents: {
        parts: [{ text: 'Call it my_cat' }, { inline_data: { mime_type: 'image/png', data: inlineData.data } }],
      },
      generation_config: { candidate_count: 2, response_modalities: ['Text', 'Image'] },
      safety_settings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'safetySettings'])
    const prompt = 'Paint in oil. Keep snake_case.\n\nCall it my_cat'
    expect(sent()).toEqual(['edits', prompt, [await digestOf('day')]])
    expect(upstream.calls[0]?.fields['n']).toBe('2')
  })

  test("takes pictures from URLs, the gateway's own links among them", async () => {
    const body = { contents: [{ parts: [{ text: 'A cat' }] }] }
    const uri = { generationConfig: { responseFormat: { image: { delivery: 'URI' } } } }
    const made = await (await postGoogle(`${MODEL}:generateContent`, { ...body, ...uri })).json<Answer>()
    const fileData = made.candidates[0]?.content.parts[0]?.fileData ?? { fileUri: '' }
    expect(fileData).toEqual({ mimeType: 'image/png', fileUri: expect.stringContaining('/images/gen_') })
    const own = await digest(await (await knock(fileData.fileUri)).bytes())

    const far = await picture('far')
    internet({ 'api.openai.com': upstream, 'pictures.example.com': { handle: () => new Response(far) } })
    const parts = [{ text: 'Both' }, { fileData: { fileUri: 'https://pictures.example.com/a.png' } }, { fileData }]
    await google().models.generateContent({ model: MODEL, contents: [{ role: 'user', parts }] })
    expect(sent()).toEqual(['edits', 'Both', [await digestOf('far'), own]])
  })

  test('goes on with the last picture of the model, without the pictures of its thoughts', async () => {
    const thought = { ...(await inline('draft')), thought: true, thoughtSignature: 'c2lnbmVk' }
    const contents = [
      { role: 'user', parts: [{ text: 'A dog' }, await inline('sketch')] },
      { role: 'model', parts: [{ text: 'Hm.', thought: true }, thought, { text: 'Here.' }, await inline('made')] },
      { role: 'user', parts: [{ text: 'With this hat' }, await inline('hat')] },
    ]
    await google().models.generateContent({ model: MODEL, contents })
    expect(sent()).toEqual(['edits', 'With this hat', [await digestOf('made'), await digestOf('hat')]])
  })

  test.each([
    [{ 'x-goog-api-key': KEY }, ''],
    [{ authorization: `Bearer ${KEY}` }, ''],
    [{}, `?key=${KEY}`],
  ])('has its key in %j%s', async (headers, query) => {
    const body = { contents: [{ parts: [{ text: 'A cat' }] }] }
    expect((await postGoogle(`${MODEL}:generateContent${query}`, body, headers)).status).toBe(200)
  })

  test('is made in the format that it names', async () => {
    const body = {
      contents: [{ parts: [{ text: 'A cat' }] }],
      generationConfig: { responseFormat: [{ image: { mimeType: 'image/jpeg' } }] },
    }
    const answer = await (await postGoogle(`${MODEL}:generateContent`, body)).json()
    expect(answer).toMatchObject({
      candidates: [{ content: { parts: [{ inlineData: { mimeType: 'image/jpeg', data: expect.any(String) } }] } }],
    })
    expect(upstream.calls[0]?.fields['output_format']).toBe('jpeg')
  })

  test('has its result polled in the same form, with the same key in the same place', async () => {
    const body = { contents: [{ parts: [{ text: 'A cat' }] }] }
    const headers = { 'x-goog-api-key': KEY, prefer: 'respond-async' }
    const accepted = await postGoogle(`${MODEL}:streamGenerateContent?alt=sse`, body, headers)
    const { result } = await vi.waitFor(async () => {
      const job = await (
        await knock(accepted.headers.get('location') ?? '', { headers })
      ).json<{ status: string; result: Answer }>()
      expect(job.status).toBe('succeeded')
      return job
    })
    expect([accepted.status, picturesOf(result)]).toEqual([202, [expect.stringMatching(/^iVBOR/)]])
  })

  test('names models with slashes', async () => {
    const answer = await google().models.generateContent({
      model: 'models/@cf/black-forest-labs/flux-1-schnell',
      contents: 'A cat',
    })
    expect(answer).toMatchObject({ modelVersion: '@cf/black-forest-labs/flux-1-schnell', data: expect.any(String) })
  })
})

interface Answer {
  candidates: {
    content: { parts: { fileData?: { mimeType: string; fileUri: string }; inlineData?: { data: string } }[] }
  }[]
}
