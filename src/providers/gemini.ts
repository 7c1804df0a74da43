import * as z from 'zod'
import { GEMINI_CAPABILITY } from '../catalog/gemini-models'
import { FOURTEEN_SHAPES, geminiShape, geminiSizes } from '../catalog/gemini-sizes'
import type { Model } from '../catalog/model'
import type { Sizes } from '../catalog/sizes'
import { inputTokens } from '../catalog/tokens'
import type { Usage } from '../image/record'
import { type ImageRequest, unless } from '../image/request'
import { finalPicture } from './wire/gemini-answer'
import { googleErrorIn, googleErrorReader, readGoogleError } from './wire/google-error'
import { callUpstream, jsonRequest } from './wire/http'
import { inputBase64 } from './wire/inputs'
import { optionalText, tokenCount } from './wire/lenient'
import type { Provider, ProviderError, Upstream, Work } from './provider'
import { unusableAnswer } from './wire/unusable-answer'
import { errorOfReport, errorOfResponse, moderationError } from './wire/upstream-error'

/** Google's image models through the Gemini API (protocols §3). An answer holds one picture in JSON. */
export const geminiProvider: Provider = {
  id: 'gemini',
  account,
  wellKnown: {
    secret: 'GEMINI_API_KEY',
    baseUrl: 'https://generativelanguage.googleapis.com',
    // Names of text models begin with `gemini-` too.
    models: ['gemini-nano-banana-*', 'gemini-3-pro-image', 'gemini-3.1-flash-lite-image'],
  },
  capability: (model) => ({
    ...model,
    ...GEMINI_CAPABILITY,
    sizes: geminiApiSizes(model.sizes),
    moderations: GEMINI_CAPABILITY.moderations.filter((each) => model.moderations?.includes(each) ?? true),
    extras: GEMINI_CAPABILITY.extras.filter((each) => model.extras?.includes(each) ?? true),
    inputTypes: ['image/heic', 'image/heif'],
    maxInputs: Math.min(GEMINI_CAPABILITY.maxInputs, model.maxInputs ?? Infinity),
  }),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    const { said, isMade } = yield* finalPicture(response, work)
    if (!isMade) throw missingPictureError(response, said, upstream)
    const { responseId, usageMetadata } = generateReply.parse(said)
    yield { type: 'accepted', requestId: responseId ?? undefined }
    yield { type: 'summary', summary: { usage: usageMetadata ? geminiUsage(usageMetadata) : undefined } }
  },
}

/** The sizes of a model that the API can name. */
function geminiApiSizes(sizes: Model['sizes']): Sizes {
  if (sizes.kind === 'shaped') return sizes
  if (sizes.kind !== 'listed') return geminiSizes(FOURTEEN_SHAPES)
  return { kind: 'listed', sizes: sizes.sizes.filter((size) => size === 'auto' || geminiShape(size)) }
}

function requestImages(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  return callUpstream(
    upstream,
    work,
    // The newest models exist under v1beta only (protocols §3.1).
    `/v1beta/models/${encodeURIComponent(work.model)}:generateContent`,
    { account: account(upstream), ...jsonRequest(requestFields(request, work)) },
    googleErrorReader(usualInputTokens(request)),
  )
}

/** The estimate of a quote is four times the usual number of text tokens. */
function usualInputTokens(request: ImageRequest): number {
  const { textIn, imageIn } = inputTokens(request)
  return textIn / 4 + imageIn
}

function account({ credential }: Upstream): Record<string, string> {
  return { 'x-goog-api-key': credential }
}

/** The filters of the Gemini API (enum HarmCategory of @google/genai). */
const SAFETY_FILTERS = ['HARASSMENT', 'HATE_SPEECH', 'SEXUALLY_EXPLICIT', 'DANGEROUS_CONTENT']
const LENIENT_FILTERS = SAFETY_FILTERS.map((filter) => ({
  category: `HARM_CATEGORY_${filter}`,
  threshold: 'BLOCK_NONE',
}))

function requestFields(
  { prompt, images, size, moderation, extras }: ImageRequest,
  work: Work,
): Record<string, unknown> {
  const shape = geminiShape(size)
  const pictures = images.map((image) => ({
    inlineData: { mimeType: image.mediaType, data: inputBase64(image, work) },
  }))
  return {
    contents: [{ role: 'user', parts: [{ text: prompt }, ...pictures] }],
    generationConfig: {
      responseModalities: ['IMAGE'],
      // 1K is the default. The models with 1K alone refuse the parameter (protocols §3.1).
      imageConfig: shape && { aspectRatio: shape.ratio, imageSize: unless<string>('1K', shape.resolution) },
      seed: extras['seed'],
    },
    safetySettings: moderation === 'low' ? LENIENT_FILTERS : undefined,
  }
}

const optionalCount = tokenCount.nullish().catch(undefined)
const modalityCounts = z
  .array(z.object({ modality: z.string(), tokenCount: tokenCount.default(0) }))
  .nullish()
  .catch(undefined)
const usageReply = z.object({
  promptTokenCount: optionalCount,
  candidatesTokenCount: optionalCount,
  thoughtsTokenCount: optionalCount,
  totalTokenCount: optionalCount,
  promptTokensDetails: modalityCounts,
  candidatesTokensDetails: modalityCounts,
})
const generateReply = z
  .object({
    promptFeedback: z
      .object({ blockReason: optionalText, blockReasonMessage: optionalText })
      .nullish()
      .catch(undefined),
    candidates: z
      .array(z.object({ finishReason: optionalText, finishMessage: optionalText }))
      .nullish()
      .catch(undefined),
    usageMetadata: usageReply.nullish().catch(undefined),
    responseId: optionalText,
  })
  .catch({ responseId: undefined })

function geminiUsage(said: z.infer<typeof usageReply>): Usage {
  const thoughts = said.thoughtsTokenCount ?? 0
  const input = said.promptTokenCount ?? 0
  const answer = said.candidatesTokenCount ?? 0
  return {
    input,
    inputDetails: modalityDetails(input, said.promptTokensDetails),
    output: answer + thoughts,
    // Without details, the whole answer counts as the picture.
    outputDetails: modalityDetails(answer, said.candidatesTokensDetails, thoughts) ?? { text: thoughts, image: answer },
    total: said.totalTokenCount ?? input + answer + thoughts,
  }
}

/** Splits tokens into pictures and text. Thoughts count as text. Undefined without details. */
function modalityDetails(all: number, said: z.infer<typeof modalityCounts>, thoughts = 0): Usage['inputDetails'] {
  if (!said) return undefined
  const pictures = said.filter(({ modality }) => modality === 'IMAGE')
  const image = pictures.reduce((sum, each) => sum + each.tokenCount, 0)
  return { text: Math.max(0, all - image) + thoughts, image }
}

/** Finish reasons of refused content. After other reasons another attempt may succeed. */
const REFUSING_FINISHES =
  /SAFETY|PROHIBITED_CONTENT|RECITATION|BLOCKLIST|SPII|MODEL_ARMOR|ESCALATION|PUP_LIMITED_DISABLED/

/** Finish reasons for which the request is at fault, with words for answers without any. */
const FAULTS_OF_REQUEST: ReadonlyMap<string, string> = new Map([
  ['LANGUAGE', 'The prompt is in an unsupported language.'],
  [
    'MISSING_THOUGHT_SIGNATURE',
    'The model goes on with no picture of this conversation. Send the picture in a new one.',
  ],
])

/** The error of a good answer without a picture (protocols §3.4). */
function missingPictureError(response: Response, said: unknown, upstream: Upstream): ProviderError {
  if (googleErrorIn(said)) return errorOfResponse(response, upstream, said, readGoogleError)
  const { promptFeedback: feedback, candidates, usageMetadata } = generateReply.parse(said)
  if (feedback?.blockReason) return moderationError('request', upstream, feedback.blockReasonMessage)
  const { finishReason, finishMessage } = candidates?.[0] ?? {}
  if (REFUSING_FINISHES.test(finishReason ?? '')) return moderationError('picture', upstream, finishMessage)
  const fault = FAULTS_OF_REQUEST.get(finishReason ?? '')
  if (fault !== undefined) return errorOfReport({ kind: 'rejected', message: finishMessage ?? fault }, upstream)
  const summary = { usage: usageMetadata ? geminiUsage(usageMetadata) : undefined }
  return unusableAnswer(response, 'answered without a picture', { said, summary, isEmpty: true })
}
