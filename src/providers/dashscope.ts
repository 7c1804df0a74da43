import * as z from 'zod'
import type { Model } from '../catalog/model'
import { narrowed } from '../catalog/narrowed'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { sizeText } from '../catalog/sizes'
import type { ImageRequest } from '../image/request'
import type { Provider, ProviderError, Summary, Upstream, Work } from './provider'
import type { ErrorReader, ErrorReport } from './wire/error-report'
import { bearer, callUpstream, jsonRequest } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { readPictures } from './wire/json-pictures'
import { optionalText } from './wire/lenient'
import { requestIdOf } from './wire/response-ids'
import { unusableAnswer } from './wire/unusable-answer'
import { errorOfResponse, moderationError } from './wire/upstream-error'
import { isWordedRefusal } from './wire/worded-refusal'

/**
 * The parameters of Qwen-Image 3.0 (protocols §6.16). The API bounds the area; edges within its square roots keep to
 * that.
 */
const API_CAPABILITY = {
  ...PROMPT_ONLY,
  sizes: { kind: 'range', min: 512, max: 2048, auto: '2048x2048' },
  extras: ['seed', 'negative_prompt'],
  maxInputs: 3,
  maxImages: 6,
} as const satisfies Model

/** The models. Their prices in USD are not known (protocols §6.16). */
const MODELS: Readonly<Record<string, Model>> = {
  'qwen-image-3.0': API_CAPABILITY,
  'qwen-image-3.0-pro': API_CAPABILITY,
}

/** Alibaba Cloud's Model Studio (protocols §6.16): a conversation of one message in, URLs out. */
export const dashscopeProvider: Provider = {
  id: 'dashscope',
  wellKnown: {
    secret: 'DASHSCOPE_API_KEY',
    baseUrl: 'https://dashscope.aliyuncs.com/api/v1',
    models: Object.keys(MODELS),
  },
  models: MODELS,
  capability: (model) => narrowed(model, API_CAPABILITY),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    yield { type: 'accepted', requestId: requestIdOf(response.headers) }
    const { said, entries } = yield* readPictures(response, work)
    if (entries.length === 0) throw missingPictureError(response, said, upstream)
    yield { type: 'summary', summary: dashscopeSummary(said) }
  },
}

function requestImages(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  const asked = { account: bearer(upstream), ...jsonRequest(requestFields(request, work)) }
  return callUpstream(upstream, work, '/services/aigc/multimodal-generation/generation', asked, readError)
}

function requestFields(request: ImageRequest, work: Work): Record<string, unknown> {
  const { prompt, n, size, extras, images } = request
  const content = [...images.map((image) => ({ image: inputDataUrl(image, work) })), { text: prompt }]
  return {
    model: work.model,
    input: { messages: [{ role: 'user', content }] },
    parameters: {
      n,
      size: size === 'auto' ? undefined : size.replace('x', '*'),
      seed: extras['seed'],
      negative_prompt: extras['negative_prompt'],
      // The documented default. Not every copy of the documentation has it.
      watermark: false,
    },
  }
}

const edge = z.int().positive()
const usageReply = z.object({ usage: z.object({ width: edge, height: edge }) })

/** Each picture has one price, so the answer tells no charge. */
function dashscopeSummary(said: unknown): Summary {
  const { usage } = usageReply.safeParse(said).data ?? {}
  return { size: usage && sizeText(usage) }
}

const wordsReply = z.object({
  output: z.object({
    choices: z.array(z.object({ message: z.object({ content: z.array(z.object({ text: optionalText })) }) })),
  }),
})

/** An answer without pictures is an error, or has words in their place. Only pictures are billed. */
function missingPictureError(response: Response, said: unknown, upstream: Upstream): ProviderError {
  const words = wordsReply
    .safeParse(said)
    .data?.output.choices.flatMap(({ message }) => message.content.flatMap(({ text }) => text ?? []))
  if (!words) return errorOfResponse(response, upstream, said, readError)
  const text = words.join(' ')
  if (isWordedRefusal(text)) return moderationError('request', upstream, text)
  return unusableAnswer(response, 'answered without a picture', { said, isEmpty: true })
}

const errorReply = z.object({ code: optionalText, message: optionalText })

const OF_MODEL: ErrorReport = { kind: 'misconfigured', scope: 'model' }

/** The meaning of error codes, which may come with status 200 (protocols §6.16). */
const CODE_MEANINGS: readonly [code: RegExp, meaning: ErrorReport][] = [
  [/^(?:DataInspectionFailed|IPInfringementSuspect)/i, { moderated: true }],
  [/^(?:InvalidApiKey|Arrearage|PrepaidBillOverdue|PostpaidBillOverdue)/i, { kind: 'misconfigured' }],
  // A quota of free pictures belongs to one model, and so does a purchase.
  [/^(?:AllocationQuota|Model\.?AccessDenied|ModelNotFound|AccessDenied\.Unpurchased)/i, OF_MODEL],
  [/^(?:Throttling|LimitRequests)/i, { kind: 'throttled', scope: 'model' }],
  [/^(?:InternalError|ServiceUnavailable|SystemError|ModelServingError)/i, { kind: 'unavailable' }],
]

const readError: ErrorReader = (body) => {
  const { code, message } = errorReply.safeParse(body).data ?? {}
  const [, meaning] = CODE_MEANINGS.find(([pattern]) => pattern.test(code ?? '')) ?? []
  return { code: code ?? undefined, message: message ?? undefined, ...meaning }
}
