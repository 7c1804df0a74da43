import { FOURTEEN_SHAPES } from '../catalog/gemini-sizes'
import type { Model } from '../catalog/model'
import { PROMPT_ONLY } from '../catalog/prompt-only'
import { resolutionOf } from '../catalog/shapes'
import { nearestTo, pixelsOf, ratioOf } from '../catalog/sizes'
import { addressIn, piecesOf, shownIn } from '../image/markdown-images'
import type { ImageRequest } from '../image/request'
import { decodeBase64 } from '../streams/base64'
import { ChatAnswer } from './wire/chat-answer'
import { bearer, callUpstream, jsonRequest, readingImage } from './wire/http'
import { inputDataUrl } from './wire/inputs'
import { isOpenrouter, openrouterName } from './wire/openrouter-url'
import { type Provider, ProviderError, type ProviderEvent, type Upstream, type Work } from './provider'
import { readRelayError } from './wire/relay-reply'
import { unreadableError, unusableAnswer } from './wire/unusable-answer'
import { errorOfResponse, moderationError, refusalBy } from './wire/upstream-error'
import { isWordedRefusal } from './wire/worded-refusal'

/** The limit of Gemini (protocols §3.2). Relays document none. */
const MAX_CHAT_INPUTS = 14

/**
 * Relays and OpenRouter with pictures in chat answers (protocols §2.1, §2.2). A chat takes words, pictures and, for
 * some models, an aspect ratio.
 */
export const openaiChatProvider: Provider = {
  id: 'openai-chat',
  account: bearer,
  capability: (model) => ({
    ...model,
    ...PROMPT_ONLY,
    sizes: model.sizes.kind === 'shaped' ? model.sizes : { kind: 'listed', sizes: [] },
    backgrounds: chatBackgrounds(model),
    maxInputs: Math.min(model.maxInputs ?? MAX_CHAT_INPUTS, MAX_CHAT_INPUTS),
  }),
  async *generate(request, upstream, work) {
    const response = await requestImages(request, upstream, work)
    const { headers } = response
    yield {
      type: 'accepted',
      requestId: headers.get('x-oneapi-request-id') ?? headers.get('x-request-id') ?? undefined,
    }
    yield* answerEvents(response, upstream, work)
  },
}

/** A model without transparent backgrounds may be asked for its only background. */
const chatBackgrounds = ({ backgrounds }: Model): readonly string[] =>
  backgrounds && !backgrounds.includes('transparent') ? backgrounds : ['auto']

/**
 * Asks for a stream, because proxies end a silent connection after minutes, and a stream reports progress. A refused
 * stream costs nothing and is asked for again as one object.
 */
async function requestImages(request: ImageRequest, upstream: Upstream, work: Work): Promise<Response> {
  try {
    return await postChat(request, true, upstream, work)
  } catch (error) {
    if (!(error instanceof ProviderError) || !isAboutStreaming(error)) throw error
    return await postChat(request, false, upstream, work)
  }
}

function isAboutStreaming(error: ProviderError): boolean {
  const refusal = refusalBy(error)
  return refusal !== undefined && (refusal.param === 'stream' || /\bstream/i.test(refusal.words))
}

function postChat(request: ImageRequest, stream: boolean, upstream: Upstream, work: Work): Promise<Response> {
  const { prompt, images, size, endUser } = request
  const pictures = images.map((image) => ({ type: 'image_url', image_url: { url: inputDataUrl(image, work) } }))
  const content = pictures.length === 0 ? prompt : [{ type: 'text', text: prompt }, ...pictures]
  const body = {
    model: isOpenrouter(upstream.baseUrl) ? openrouterName(work.model) : work.model,
    messages: [{ role: 'user', content }],
    stream,
    ...shapeFields(size, upstream),
    user: endUser,
  }
  return callUpstream(
    upstream,
    work,
    '/chat/completions',
    { account: bearer(upstream), ...jsonRequest(body) },
    readRelayError,
  )
}

const MODALITIES = ['image', 'text']

/**
 * OpenRouter's own parameters (protocols §2.2). OpenRouter may answer with words alone unless `modalities` asks for
 * images. Relays may refuse the parameter, so they get it only with a shape.
 */
function shapeFields(size: string, { baseUrl }: Upstream): Record<string, unknown> {
  const pixels = pixelsOf(size)
  if (!pixels) return isOpenrouter(baseUrl) ? { modalities: MODALITIES } : {}
  const shape = nearestTo(ratioOf(pixels), FOURTEEN_SHAPES, ratioOf)
  const resolution = resolutionOf(pixels)
  // 1K is the default, and the only resolution of some models.
  const imageSize = resolution === '1K' ? {} : { image_size: resolution }
  return { modalities: MODALITIES, image_config: { aspect_ratio: shape?.ratio, ...imageSize } }
}

/** The last characters of the answer that are searched for a picture's URL. */
const MAX_SEARCHED_TEXT = 64 * 1024

/** The picture of an answer: the first one as data, or the first one with a URL. */
async function* answerEvents(response: Response, upstream: Upstream, work: Work): AsyncGenerator<ProviderEvent, void> {
  const answer = new ChatAnswer(response)
  let words = ''
  let percent = 0
  let isMade = false
  let address: string | undefined
  try {
    for await (const piece of piecesOf(answer.words())) {
      if (typeof piece === 'string') {
        words = (words + piece).slice(-MAX_SEARCHED_TEXT)
        const now = lastPercentIn(words)
        if (now > percent) yield { type: 'progress', percent: (percent = now) }
      } else if (!isMade) {
        isMade = true
        yield { type: 'image', index: 0, bytes: readingImage(decodeBase64(piece)) }
      }
    }
    address = answer.urls[0] ?? addressIn(words)
  } catch (error) {
    // A broken-off answer with a whole link was paid for too.
    address = answer.urls[0] ?? shownIn(words)
    if (isMade || address === undefined)
      throw unreadableError(error, response, { isMade: isMade || answer.isStream, head: answer.head })
  }
  if (!isMade) {
    if (address === undefined) throw missingPictureError(answer, words, response, upstream)
    yield {
      type: 'image',
      index: 0,
      bytes: readingImage(work.download(address, { isFromWords: answer.urls.length === 0 })),
    }
  }
  yield { type: 'summary', summary: answer.summary }
}

/** The last percentage in the words, such as `> 生成中 40%`. 0 without one. */
function lastPercentIn(words: string): number {
  const [, percent = '0'] = /.*(?<![\d.])(\d{1,3})(?:\.\d+)? ?[%%]/s.exec(words.slice(-64)) ?? []
  return Number(percent) > 100 ? 0 : Number(percent)
}

function missingPictureError(answer: ChatAnswer, words: string, response: Response, upstream: Upstream): ProviderError {
  if (answer.failure !== undefined) return errorOfResponse(response, upstream, answer.failure, readRelayError)
  if (answer.isRefused || isWordedRefusal(words)) return moderationError('request', upstream)
  const { said, summary } = answer
  return unusableAnswer(response, 'answered without a picture', { said, summary, isEmpty: true })
}
