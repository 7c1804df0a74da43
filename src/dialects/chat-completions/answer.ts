import type { ImageRecord, StoredImage } from '../../image/record'
import type { Failure } from '../../failures/errors'
import type { ChatAnswerOptions } from './request'
import type { AnsweredRequest, AnswerPart, RenderedAnswer, AnswerStream, WordedAnswer } from '../dialect'
import type { RenderContext } from '../render-context'
import { epochSeconds } from '../openai/answer'

/** The usage of an answer in the words of a route; undefined if it is not known. */
export type UsageRenderer = (record: ImageRecord) => Record<string, unknown> | undefined

/** Renders an answer as one object with a choice for each picture. */
export function renderCompletion(
  record: ImageRecord,
  options: ChatAnswerOptions,
  context: RenderContext,
  usageOf: UsageRenderer,
): RenderedAnswer {
  const head = { ...completionHead('chat.completion', options, context), system_fingerprint: null }
  const parts: AnswerPart[] = [`${withoutBrace(head)}"choices":[`]
  record.images.forEach((image, index) => {
    parts.push(`${index > 0 ? ',' : ''}{"index":${index},"message":{"role":"assistant",`)
    parts.push(...pictureFields(image, options, context), ',"refusal":null},"logprobs":null,"finish_reason":"stop"}')
  })
  const usage = usageOf(record)
  parts.push(']', usage ? `,"usage":${JSON.stringify(usage)}` : '', '}')
  return { contentType: 'application/json', parts }
}

/** Renders a failure as JSON; `head` begins each event of the stream. */
type StreamErrorRenderer = (failure: Failure, head: Record<string, unknown>) => string

/** The answer as events (protocols §2.1): its progress as prose, if asked for, then the pictures. */
export function streamCompletion(
  options: ChatAnswerOptions,
  context: RenderContext,
  { usageOf, renderError }: { usageOf: UsageRenderer; renderError: StreamErrorRenderer },
): AnswerStream {
  const head = completionHead('chat.completion.chunk', options, context)
  const chunk = (index: number, delta: readonly AnswerPart[], finish: 'stop' | null = null): AnswerPart[] => [
    `data: ${withoutBrace(head)}"choices":[{"index":${index},"delta":{`,
    ...delta,
    `},"logprobs":null,"finish_reason":${JSON.stringify(finish)}}]}\n\n`,
  ]
  const text = (parts: readonly AnswerPart[]): string => parts.filter((part) => typeof part === 'string').join('')
  const usageEvent = (usage: unknown): AnswerPart[] =>
    usage ? [`data: ${JSON.stringify({ ...head, choices: [], usage })}\n\n`] : []
  let hasSpoken = false
  const say = (what: string): string => {
    hasSpoken = true
    return text(chunk(0, [`"content":"> ${what}\\n"`]))
  }
  const isProse = options.way === 'markdown'
  return {
    contentType: 'text/event-stream',
    opening: () => text(chunk(0, ['"role":"assistant","content":""'])),
    idle: () => (isProse ? say(`${epochSeconds(Date.now() - context.startedMs)} s`) : ': still working\n\n'),
    ...(isProse && { progress: (percent: number): string => say(`${percent}%`) }),
    partial: () => [],
    close: (record) => [
      ...record.images.flatMap((image, index) => [
        // An empty line ends a Markdown quote.
        ...(index === 0 ? [() => (hasSpoken ? text(chunk(0, ['"content":"\\n"'])) : '')] : []),
        ...chunk(index, [index > 0 ? '"role":"assistant",' : '', ...pictureFields(image, options, context)]),
        ...chunk(index, [], 'stop'),
      ]),
      ...usageEvent(options.usage ? usageOf(record) : undefined),
      'data: [DONE]\n\n',
    ],
    failure: (failure) => `data: ${renderError(failure, head)}\n\n`,
  }
}

/** An answer of words alone, which costs nothing. */
export function renderWords(
  content: string,
  { model, stream }: Pick<ChatAnswerOptions, 'model' | 'stream'>,
  request: AnsweredRequest,
): WordedAnswer {
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
  const message = { role: 'assistant', content }
  const rest = { index: 0, logprobs: null, finish_reason: 'stop' }
  if (!stream) {
    const head = completionHead('chat.completion', { model }, request)
    const choices = [{ ...rest, message: { ...message, refusal: null } }]
    return { contentType: 'application/json', text: JSON.stringify({ ...head, choices, usage }) }
  }
  const head = completionHead('chat.completion.chunk', { model }, request)
  const chunk = JSON.stringify({ ...head, choices: [{ ...rest, delta: message }] })
  return { contentType: 'text/event-stream', text: `data: ${chunk}\n\ndata: [DONE]\n\n` }
}

const completionHead = (
  object: string,
  { model }: Pick<ChatAnswerOptions, 'model'>,
  { requestId, startedMs }: AnsweredRequest,
): Record<string, unknown> => ({
  id: `chatcmpl-${requestId.replace(/^req_/, '')}`,
  object,
  created: epochSeconds(startedMs),
  model,
})

/** An object without its closing brace. */
const withoutBrace = (head: Record<string, unknown>): string => `${JSON.stringify(head).slice(0, -1)},`

/** The fields of a message or delta with its picture (protocols §2.1, §2.2). */
function pictureFields(image: StoredImage, { way, picture }: ChatAnswerOptions, { link }: RenderContext): AnswerPart[] {
  const address: AnswerPart[] = picture === 'link' ? [link(image.key)] : [`data:${image.mediaType};base64,`, image]
  if (way === 'markdown') return ['"content":"![image](', ...address, ')"']
  return ['"content":"","images":[{"type":"image_url","image_url":{"url":"', ...address, '"}}]']
}
