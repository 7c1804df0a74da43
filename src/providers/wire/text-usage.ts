import * as z from 'zod'
import type { Usage } from '../../image/record'
import { tokenCount } from './lenient'

/** The usage of chat completions and of responses (protocols §2). */
export const textUsage = z
  .union([
    z
      .object({ prompt_tokens: tokenCount, completion_tokens: tokenCount.nullish() })
      .transform((said) => ({ input: said.prompt_tokens, output: said.completion_tokens ?? 0 })),
    z
      .object({ input_tokens: tokenCount, output_tokens: tokenCount.nullish() })
      .transform((said) => ({ input: said.input_tokens, output: said.output_tokens ?? 0 })),
  ])
  .transform(({ input, output }): Usage => ({ input, output, total: input + output }))
  .nullish()
  .catch(undefined)
