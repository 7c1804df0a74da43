import { DEFAULTS } from '../../image/request'
import type { ImageTool, ResponsesBody } from './body'

/** The defaults of the tool; typed clients read all of them. */
const TOOL_DEFAULTS = {
  action: 'auto',
  background: DEFAULTS.background,
  moderation: DEFAULTS.moderation,
  output_compression: DEFAULTS.compression,
  output_format: DEFAULTS.format,
  partial_images: 0,
  quality: DEFAULTS.quality,
  size: DEFAULTS.size,
}

/** The parameters that a response repeats, with the defaults of the API; `model` is that of the pictures. */
export const repeatedParameters = (body: ResponsesBody, model: string): Record<string, unknown> => ({
  background: body.background ?? false,
  instructions: body.instructions ?? null,
  max_output_tokens: body.max_output_tokens ?? null,
  max_tool_calls: body.max_tool_calls ?? null,
  metadata: body.metadata ?? {},
  model: body.model,
  parallel_tool_calls: body.parallel_tool_calls ?? true,
  previous_response_id: body.previous_response_id ?? null,
  prompt_cache_key: body.prompt_cache_key ?? null,
  reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
  safety_identifier: body.safety_identifier ?? null,
  service_tier: 'default',
  temperature: body.temperature ?? 1,
  text: { format: { type: 'text' }, verbosity: body.text?.verbosity ?? 'medium' },
  tool_choice: body.tool_choice ?? 'auto',
  tools: (body.tools ?? []).map((tool) => repeatedTool(tool, model)),
  top_logprobs: 0,
  top_p: body.top_p ?? 1,
  truncation: body.truncation ?? 'disabled',
  ...(body.user ? { user: body.user } : {}),
})

/** A tool without its mask: the answer would carry a picture twice. */
function repeatedTool(tool: ImageTool, model: string): Record<string, unknown> {
  const said = Object.entries(tool).filter(
    ([name, value]) => name !== 'input_image_mask' && value !== null && value !== undefined,
  )
  return { model, ...TOOL_DEFAULTS, ...Object.fromEntries(said) }
}
