import type { Adjustment } from '../../catalog/fit'
import { idleAdjustments } from '../idle-adjustments'

/**
 * Parameters of a text or of its provider without effect on a picture, with their defaults. Many clients send the
 * defaults unasked.
 */
const IDLE_DEFAULTS: Readonly<Record<string, unknown>> = {
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
  moderation: null,
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

/** Parameters without a visible effect; the answer does not report them. */
const SILENT_PARAMETERS: ReadonlySet<string> = new Set([
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

/** Takes parameters without effect out of a body and reports those that ask for something. */
export function withoutIdleParameters(fields: Record<string, unknown>): {
  fields: Record<string, unknown>
  adjustments: Adjustment[]
} {
  const isIdle = ([name, value]: [string, unknown]): boolean =>
    SILENT_PARAMETERS.has(name) || (Object.hasOwn(IDLE_DEFAULTS, name) && !isOfPicture(name, value))
  const entries = Object.entries(fields)
  return {
    fields: Object.fromEntries(entries.filter((each) => !isIdle(each))),
    adjustments: idleAdjustments(Object.fromEntries(entries.filter(isIdle)), IDLE_DEFAULTS),
  }
}

/** A word is the moderation of the picture, an object that of the texts. */
const isOfPicture = (name: string, value: unknown): boolean => name === 'moderation' && typeof value === 'string'
