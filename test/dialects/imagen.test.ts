import { MaskReferenceImage, MaskReferenceMode, RawReferenceImage } from '@google/genai'
import { describe, expect, test } from 'vitest'
import { google, google2, postGoogle } from '../support/google'
import { KEY } from '../support/gateway'
import { hex, sha256 } from '../support/fake-picture'
import { picture } from '../support/pictures'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const MODEL = 'gpt-image-2'
const VERTEX = { vertexai: true }

const predict = (body: unknown, model = MODEL): Promise<Response> => postGoogle(`${model}:predict`, body)
const cat = (parameters: object, more: object = {}): object => ({
  instances: [{ prompt: 'A cat', ...more }],
  parameters,
})

test.each([
  ['3', google],
  ['2', google2],
])('version %s of the SDK of Google makes pictures with generateImages', async (_, client) => {
  const { generatedImages = [] } = await client(KEY, VERTEX).models.generateImages({
    model: MODEL,
    prompt: 'A cat',
    config: { numberOfImages: 2, aspectRatio: '16:9', imageSize: '2K', outputMimeType: 'image/jpeg' },
  })
  const image = { mimeType: 'image/jpeg', imageBytes: expect.any(String) }
  expect(generatedImages).toMatchObject([{ image }, { image }])
  const fields = { prompt: 'A cat', n: 2, size: '2048x1152', output_format: 'jpeg' }
  expect(upstream.calls).toMatchObject([{ path: '/v1/images/generations', fields }])
})

test('editImage edits its raw references within its mask', async () => {
  const [raw, mask] = [new RawReferenceImage(), new MaskReferenceImage()]
  const [day, hole] = [await picture('day'), await picture('hole')]
  raw.referenceImage = { imageBytes: day.toBase64(), mimeType: 'image/png' }
  mask.referenceImage = { imageBytes: hole.toBase64(), mimeType: 'image/png' }
  mask.config = { maskMode: MaskReferenceMode.MASK_MODE_USER_PROVIDED }
  const { generatedImages } = await google(KEY, VERTEX).models.editImage({
    model: MODEL,
    prompt: 'Night',
    referenceImages: [raw, mask],
  })
  expect(generatedImages).toHaveLength(1)
  const sums = await Promise.all([day, hole].map(async (bytes) => hex(await sha256(Uint8Array.from(bytes)))))
  expect(upstream.calls.map(({ files }) => files.map((file) => file.sha256))).toEqual([sums])
})

test.each(['bytes_base64_encoded', 'bytes_base64Encoded', 'bytesBase64_encoded'])(
  'a picture under %s is edited, as under its usual name',
  async (name) => {
    const day = await picture('day')
    expect((await predict(cat({}, { image: { [name]: day.toBase64() } }))).status).toBe(200)
    const sum = hex(await sha256(Uint8Array.from(day)))
    expect(upstream.calls).toMatchObject([{ files: [{ sha256: sum }] }])
  },
)

test('a model of Imagen is made by its successor, in the format of that', async () => {
  const parameters = { sampleCount: 1, outputOptions: { mimeType: 'image/jpeg' }, addWatermark: false }
  const response = await predict(cat(parameters), 'imagen-4.0-generate-001')
  const model = 'model=imagen-4.0-generate-001>gemini-nano-banana-2.1'
  expect(await response.json()).toMatchObject({ predictions: [{ mimeType: 'image/png' }] })
  expect(response.headers.get('x-adjusted')).toBe(`${model}, addWatermark, output_format=jpeg>png`)
})

describe('predict refuses', () => {
  test.each([
    ['no instance', { instances: [] }, 'instances'],
    ['no prompt', { instances: [{}] }, 'instances[0].prompt'],
    ['two instances', { instances: [{ prompt: 'A' }, { prompt: 'B' }] }, 'instances'],
    ['Cloud Storage for the answer', cat({ storageUri: 'gs://house/cats' }), 'parameters.storageUri'],
    [
      'Cloud Storage for a picture',
      cat({}, { image: { gcsUri: 'gs://a/b' } }),
      'instances[0].image.bytesBase64Encoded',
    ],
    ['an upscale', cat({ upscaleConfig: { upscaleFactor: 'x2' } }), 'parameters.upscaleConfig'],
    [
      'a mask to find',
      cat({}, { referenceImages: [{ referenceType: 'REFERENCE_TYPE_MASK' }] }),
      'instances[0].referenceImages[0].referenceImage',
    ],
    ['parameters that are no object', { ...cat({}), parameters: 5 }, 'parameters'],
    ['a parameter by the name of a method', cat({ constructor: 'x' }), 'parameters.constructor'],
    ['a seed for a model without one', cat({ seed: 7 }), 'parameters.seed'],
    ['a ratio that its model lacks', cat({ aspectRatio: '8:1' }), 'parameters.aspectRatio'],
  ])("%s, in Google's words", async (_, body, field) => {
    const response = await predict(body)
    const details = expect.arrayContaining([
      expect.objectContaining({ fieldViolations: [{ field, description: expect.any(String) }] }),
    ])
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { status: 'INVALID_ARGUMENT', details } },
    ])
    expect(upstream.calls).toHaveLength(0)
  })

  test('content as an error, or in its answer if asked for a reason', async () => {
    const body = (parameters: object): object => ({ instances: [{ prompt: 'A cat @fault=moderation' }], parameters })
    const refused = await predict(body({}))
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { status: 'INVALID_ARGUMENT' } }])
    const answer = await (await predict(body({ includeRaiReason: true }))).json()
    expect(answer).toEqual({ predictions: [{ raiFilteredReason: expect.any(String) }] })
  })
})
