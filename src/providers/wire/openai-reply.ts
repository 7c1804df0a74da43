import * as z from 'zod'
import type { Usage } from '../../image/record'
import type { Summary } from '../provider'
import { optionalText, tokenCount } from './lenient'

const openaiTokenDetails = z.object({ text_tokens: tokenCount, image_tokens: tokenCount }).nullish().catch(undefined)
const openaiImage = z.object({ revised_prompt: optionalText })
const openaiReply = openaiImage.extend({
  data: z.array(openaiImage).nullish().catch(undefined),
  size: optionalText,
  quality: optionalText,
  background: optionalText,
  output_format: optionalText,
  usage: z
    .object({
      input_tokens: tokenCount,
      output_tokens: tokenCount,
      total_tokens: tokenCount.nullish(),
      input_tokens_details: openaiTokenDetails,
      output_tokens_details: openaiTokenDetails,
    })
    .nullish()
    .catch(undefined),
})
type Reply = z.infer<typeof openaiReply>

/** The facts of an answer besides its pictures, or of an event besides its picture. */
export function openaiSummary(said: unknown): Summary {
  const { data, revised_prompt, usage, size, quality, background, output_format: format } = openaiReply.parse(said)
  return {
    size: size ?? undefined,
    quality: quality ?? undefined,
    background: background ?? undefined,
    format: format ?? undefined,
    revisedPrompts: (data ?? [{ revised_prompt }]).map((each) => each.revised_prompt ?? undefined),
    usage: usage ? openaiUsage(usage) : undefined,
  }
}

function openaiUsage(said: NonNullable<Reply['usage']>): Usage {
  const details = (given: { text_tokens: number; image_tokens: number } | null | undefined): Usage['inputDetails'] =>
    given ? { text: given.text_tokens, image: given.image_tokens } : undefined
  return {
    input: said.input_tokens,
    inputDetails: details(said.input_tokens_details),
    output: said.output_tokens,
    outputDetails: details(said.output_tokens_details),
    total: said.total_tokens ?? said.input_tokens + said.output_tokens,
  }
}
