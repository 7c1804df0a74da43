import * as z from 'zod'
import { MAX_MODEL_NAME } from '../upstreams/names'

/** The longest prompt, in characters, as in OpenAI's Images API (protocols §1.1). */
export const MAX_PROMPT = 32_000

export const modelName = z.string().max(MAX_MODEL_NAME)
export const promptText = z.string().min(1).max(MAX_PROMPT)

/** The most pictures of a request, as in OpenAI's Images API (protocols §1.1). */
export const MAX_COUNT = 10

export const imageCount = z.int().min(1).max(MAX_COUNT)

/** A value out of a short list, which depends on the model; no known value is longer. */
export const shortValue = z.string().max(64)

export const endUserId = z.string().max(512)
