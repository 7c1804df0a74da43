import * as z from 'zod'
import type { Usage } from '../image/record'
import { decodeBase64 } from '../streams/base64'
import { type Bytes, capped, peek, text } from '../streams/bytes'
import { TooLong } from '../streams/json'
import { readingImage } from './http'
import { ProviderError, type Summary } from './provider'

/** Only what is read, and what does not fit is passed over: the pictures are here and paid for. */
const words = z.string().nullish().catch(undefined)
const count = z.int().nonnegative()
const tokenDetails = z.object({ text_tokens: count, image_tokens: count }).nullish().catch(undefined)
const item = z.object({ revised_prompt: words })
const reply = item.extend({
  data: z.array(item).nullish().catch(undefined),
  size: words,
  quality: words,
  background: words,
  output_format: words,
  usage: z
    .object({
      input_tokens: count,
      output_tokens: count,
      total_tokens: count.nullish(),
      input_tokens_details: tokenDetails,
      output_tokens_details: tokenDetails,
    })
    .nullish()
    .catch(undefined),
})
type Reply = z.infer<typeof reply>

/** What an answer says besides its pictures, or an event besides its one. */
export function summaryOf(said: unknown): Summary {
  const { data, revised_prompt, usage, size, quality, background, output_format: format } = reply.parse(said)
  return {
    size: size ?? undefined,
    quality: quality ?? undefined,
    background: background ?? undefined,
    format: format ?? undefined,
    revisedPrompts: (data ?? [{ revised_prompt }]).map((each) => each.revised_prompt ?? undefined),
    usage: usage ? usageOf(usage) : undefined,
  }
}

function usageOf(said: NonNullable<Reply['usage']>): Usage {
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

const MAX_URL_BYTES = 16 * 1024

/**
 * A picture as it stands in a text: its URL, or else its bytes, since it may stand under `url` as a data URL, and its URL
 * beside its base64 (protocols §7.6, §9). Undefined where nothing stands.
 */
export async function pictureIn(bytes: Bytes): Promise<string | Bytes | undefined> {
  const { head, all } = await peek(bytes, 'https:'.length)
  if (head.length === 0) return undefined
  if (!/^https?:/.test(new TextDecoder().decode(head))) return readingImage(decodeBase64(all))
  return await text(capped(all, MAX_URL_BYTES, () => new TooLong()))
}

/** An answer that is not the API's at all was hardly paid for; one that breaks off, or goes wrong after a picture, was. */
export function unreadable(error: unknown, paid: boolean): ProviderError {
  if (error instanceof ProviderError) return error
  if (!paid && (error instanceof SyntaxError || error instanceof TooLong)) {
    return new ProviderError('unavailable', 'answered with something that is not JSON', {}, { cause: error })
  }
  return new ProviderError('lost', 'broke off its answer', {}, { cause: error })
}
