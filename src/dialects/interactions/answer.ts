import type { ImageRecord, StoredImage, Usage } from '../../image/record'
import type { AnswerPart, RenderedAnswer } from '../dialect'
import type { RenderContext } from '../render-context'
import { interactionId } from './pictures'
import type { InteractionOptions } from './request'

const timestamp = (ms: number): string => new Date(ms).toISOString()

/** The fields of every interaction, in whatever state. */
export const interactionHead = (
  id: string,
  state: { status: string; updatedMs?: number; usage?: unknown; errors?: unknown },
  { repeated }: Pick<InteractionOptions, 'repeated'>,
  { startedMs }: Pick<RenderContext, 'startedMs'>,
): Record<string, unknown> => {
  const { updatedMs = startedMs, ...rest } = state
  return {
    id,
    object: 'interaction',
    created: timestamp(startedMs),
    updated: timestamp(updatedMs),
    ...repeated,
    ...rest,
  }
}

/** A finished interaction without its steps. */
export const finishedHead = (
  id: string,
  { createdMs, usage }: ImageRecord,
  options: InteractionOptions,
  context: RenderContext,
): Record<string, unknown> => {
  // A cached picture is older than its request.
  const updatedMs = Math.max(createdMs, context.startedMs)
  const state = { status: 'completed', updatedMs, ...(usage ? { usage: interactionUsage(usage) } : {}) }
  return interactionHead(id, state, options, context)
}

/** Renders an answer as one interaction. */
export function renderInteraction(
  record: ImageRecord,
  options: InteractionOptions,
  context: RenderContext,
): RenderedAnswer {
  const id = interactionId(context.reference(record.images[0]?.key))
  const head = JSON.stringify(finishedHead(id, record, options, context))
  const steps = `${head.slice(0, -1)},"steps":[{"type":"model_output","content":[`
  const pictures = record.images.flatMap((image, at) => [at > 0 ? ',' : '', ...imageContent(image, options, context)])
  return { contentType: 'application/json', parts: [steps, ...pictures, ']}]}'] }
}

/** A picture as content: its bytes, or a link. */
export function imageContent(
  { key, ...image }: StoredImage,
  { delivery }: InteractionOptions,
  { link }: RenderContext,
): AnswerPart[] {
  const head = `{"type":"image","mime_type":${JSON.stringify(image.mediaType)}`
  return delivery === 'uri'
    ? [`${head},"uri":${JSON.stringify(link(key))}}`]
    : [`${head},"data":"`, { key, ...image }, '"}']
}

const interactionUsage = ({ input, inputDetails, output, outputDetails, total }: Usage): Record<string, unknown> => ({
  total_input_tokens: input,
  total_output_tokens: output,
  total_thought_tokens: 0,
  total_cached_tokens: 0,
  total_tool_use_tokens: 0,
  total_tokens: total,
  ...(inputDetails ? { input_tokens_by_modality: byModality(inputDetails) } : {}),
  ...(outputDetails ? { output_tokens_by_modality: byModality(outputDetails) } : {}),
})

const byModality = ({ text, image }: NonNullable<Usage['inputDetails']>): Record<string, unknown>[] =>
  [
    { modality: 'text', tokens: text },
    { modality: 'image', tokens: image },
  ].filter(({ tokens }) => tokens > 0)
