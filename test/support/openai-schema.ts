import { z } from 'zod'

/* The shapes of OpenAI's answers, as the types of openai 7 give them. An unknown key is a breach. */

const count = z.int().nonnegative()
const details = z.strictObject({ text_tokens: count, image_tokens: count })

/** `usage` of the Images API. */
const usage = z.strictObject({
  input_tokens: count,
  input_tokens_details: details,
  output_tokens: count,
  output_tokens_details: details.optional(),
  total_tokens: count,
})

const facts = {
  background: z.enum(['transparent', 'opaque', 'auto']),
  output_format: z.enum(['png', 'webp', 'jpeg']),
  quality: z.enum(['low', 'medium', 'high', 'xhigh', 'max', 'auto']),
  size: z.string().regex(/^(auto|\d+x\d+)$/),
}

/** A whole answer of generations and edits. */
export const imagesResponse = z.strictObject({
  created: count,
  background: z.enum(['transparent', 'opaque']).optional(),
  data: z.array(
    z.strictObject({
      b64_json: z.base64().optional(),
      url: z.url().optional(),
      revised_prompt: z.string().optional(),
    }),
  ),
  output_format: z.enum(['png', 'webp', 'jpeg', 'gif', 'svg']).optional(),
  quality: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).optional(),
  size: facts.size.optional(),
  usage: usage.optional(),
})

/** An event of a stream of generations or of edits. */
export const imagesEvent = (operation: 'image_generation' | 'image_edit') =>
  z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal(`${operation}.partial_image`),
      b64_json: z.base64(),
      created_at: count,
      partial_image_index: count,
      ...facts,
    }),
    z.strictObject({
      type: z.literal(`${operation}.completed`),
      b64_json: z.base64(),
      created_at: count,
      usage,
      ...facts,
    }),
  ])

/** `usage` of a chat. Its counts of texts and of images are an extension of ours. */
const chatUsage = z.strictObject({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: z
    .strictObject({
      audio_tokens: count.optional(),
      cached_tokens: count.optional(),
      cache_write_tokens: count.optional(),
      text_tokens: count,
      image_tokens: count,
    })
    .optional(),
  completion_tokens_details: z
    .strictObject({
      accepted_prediction_tokens: count.optional(),
      audio_tokens: count.optional(),
      reasoning_tokens: count.optional(),
      rejected_prediction_tokens: count.optional(),
      text_tokens: count,
      image_tokens: count,
    })
    .optional(),
})

/** The types have no null for the fingerprint; OpenRouter's client asks for the key. */
const chatHead = { id: z.string(), created: count, model: z.string(), system_fingerprint: z.string().nullish() }
const ended = z.literal('stop')

/** A whole chat. */
export const chatCompletion = z.strictObject({
  ...chatHead,
  object: z.literal('chat.completion'),
  choices: z.array(
    z.strictObject({
      index: count,
      finish_reason: ended,
      logprobs: z.null(),
      message: z.strictObject({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
    }),
  ),
  usage: chatUsage,
})

/** A chunk of a streamed chat. */
export const chatChunk = z.strictObject({
  ...chatHead,
  object: z.literal('chat.completion.chunk'),
  choices: z.array(
    z.strictObject({
      index: count,
      finish_reason: ended.nullable(),
      logprobs: z.null().optional(),
      delta: z.strictObject({ role: z.literal('assistant').optional(), content: z.string().optional() }),
    }),
  ),
  usage: chatUsage.nullish(),
})

/** The list of models. */
export const modelsPage = z.strictObject({
  object: z.literal('list'),
  data: z.array(
    z.strictObject({
      id: z.string(),
      object: z.literal('model'),
      created: count,
      owned_by: z.string(),
      shutdown_date: z.string().nullish(),
    }),
  ),
})

/** The body of a refusal. */
export const errorBody = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})
