import * as z from 'zod'
import type { Usage } from '../../image/record'
import type { Path } from '../../streams/json'
import type { Summary } from '../provider'
import { optionalText, tokenCount } from './lenient'
import { valueAt } from './picture-text'

const openaiTokenDetails = z.object({ text_tokens: tokenCount, image_tokens: tokenCount }).nullish().catch(undefined)
const openaiImage = z.object({ revised_prompt: optionalText }).catch({})
const openaiReply = z.object({
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

/** The facts of an answer or an event besides its pictures. `entries` are those of the pictures. */
export function openaiSummary(said: unknown, entries: readonly Path[] = []): Summary {
  const { usage, size, quality, background, output_format: format } = openaiReply.safeParse(said).data ?? {}
  return {
    size: size ?? undefined,
    quality: quality ?? undefined,
    background: background ?? undefined,
    format: format ?? undefined,
    revisedPrompts: revisedPrompts(said, entries),
    usage: usage ? openaiUsage(usage) : undefined,
  }
}

/** The revised prompts of an answer, by the entries of its pictures. */
export const revisedPrompts = (said: unknown, entries: readonly Path[]): (string | undefined)[] =>
  entries.map((entry) => openaiImage.parse(entry.reduce(valueAt, said)).revised_prompt ?? undefined)

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
