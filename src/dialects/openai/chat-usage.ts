import type { Usage } from '../../image/record'
import { tokenDetails } from './answer'

/** Tokens in the words of a chat (protocols §2.1). Clients need the details, and pictures have none of these kinds. */
export const chatUsage = ({ input, inputDetails, output, outputDetails, total }: Usage): Record<string, unknown> => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: total,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0, ...tokenDetails(inputDetails) },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, ...tokenDetails(outputDetails) },
})
