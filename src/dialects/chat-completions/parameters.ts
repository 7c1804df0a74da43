import type { Adjustment } from '../../catalog/fit'
import { withoutEffect } from '../without-effect'

/**
 * What steers a text, or who writes it and at what price, and has no say in a picture; by what it is where it says
 * nothing, which many clients send without being asked to.
 */
const IDLE: Readonly<Record<string, unknown>> = {
  audio: null,
  enable_search: false,
  enable_thinking: false,
  frequency_penalty: 0,
  function_call: 'auto',
  functions: null,
  include_reasoning: false,
  logit_bias: null,
  logprobs: false,
  max_completion_tokens: null,
  max_tokens: null,
  min_p: 0,
  models: null,
  plugins: null,
  prediction: null,
  presence_penalty: 0,
  provider: null,
  reasoning: null,
  reasoning_effort: null,
  repetition_penalty: 1,
  route: null,
  seed: null,
  service_tier: 'auto',
  stop: null,
  store: false,
  temperature: 1,
  thinking: null,
  thinking_budget: null,
  tool_choice: 'auto',
  tools: null,
  top_a: 0,
  top_k: 0,
  top_logprobs: 0,
  top_p: 1,
  verbosity: 'medium',
  web_search_options: null,
}

/** What nobody could notice the lack of. */
const UNNOTICED: ReadonlySet<string> = new Set([
  'cache_control',
  'debug',
  'metadata',
  'parallel_tool_calls',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'session_id',
  'stop_server_tools_when',
  'trace',
  'transforms',
])

/** Takes out of a body what has no say in a picture, and tells what of that was left undone. */
export function withoutIdle(fields: Record<string, unknown>): {
  fields: Record<string, unknown>
  adjustments: Adjustment[]
} {
  const isLeft = (name: string): boolean => !Object.hasOwn(IDLE, name) && !UNNOTICED.has(name)
  return {
    fields: Object.fromEntries(Object.entries(fields).filter(([name]) => isLeft(name))),
    adjustments: withoutEffect(fields, IDLE),
  }
}
