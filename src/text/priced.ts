import { isObject } from '../dialects/json-body'
import { MAX_CHOICES } from './tokens'

/*
 * The parameters of a text request that tokens pay for. A key with a budget or limits on images may send no others. A
 * list of those others would miss new parameters and other spellings.
 */

const words = (...lists: string[]): string[] => lists.flatMap((list) => list.split(' '))

/** Fields of both routes for text models (protocols §2.1, §2.3). */
const COMMON_FIELDS = words(
  'model stream stream_options temperature top_p top_logprobs n metadata user store safety_identifier service_tier',
  'parallel_tool_calls tools tool_choice reasoning verbosity',
  'prompt_cache_key prompt_cache_options prompt_cache_retention',
)

/** Fields of chat completions; the last line has those of relays and of models with open weights. */
const CHAT_FIELDS = words(
  'messages max_tokens max_completion_tokens modalities frequency_penalty presence_penalty logit_bias logprobs',
  'response_format seed stop reasoning_effort functions function_call',
  'top_k min_p top_a repetition_penalty include_reasoning thinking enable_thinking usage',
)

const RESPONSES_FIELDS = words(
  'input instructions max_output_tokens max_tool_calls previous_response_id text truncation include',
)

const PRICED_FIELDS = new Set([...COMMON_FIELDS, ...CHAT_FIELDS, ...RESPONSES_FIELDS])

/** Fields with values of another price. */
const PRICED_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  service_tier: ['auto', 'default'],
  modalities: ['text'],
}

/** Tools that the client runs itself. */
const PRICED_TOOLS = ['function', 'custom']
const TOOL_FIELDS = ['type', 'function', 'custom', 'name', 'description', 'parameters', 'strict', 'format']

/** The parts of a message that are counted as text or as a picture. */
const PRICED_PARTS = words(
  'text image_url file refusal thinking reasoning_text summary_text input_text input_image input_file output_text',
)

/** The first parameter that tokens do not pay for; undefined without one. */
export function unpricedParameter(
  fields: Readonly<Record<string, unknown>>,
  outputLimits: readonly string[],
): string | undefined {
  // Null and false ask for nothing.
  const asked = Object.entries(fields).filter(([, value]) => value !== null && value !== false)
  for (const [name, value] of asked) {
    if (!PRICED_FIELDS.has(name)) return name
    const values = PRICED_VALUES[name]
    if (values && ![value].flat().every((each) => values.includes(each))) return name
    if (outputLimits.includes(name) && !isInteger(value)) return name
    if (name === 'n' && !(isInteger(value) && value <= MAX_CHOICES)) return name
    const unpriced = unpricedItem(name, value)
    if (unpriced !== undefined) return unpriced
  }
  return undefined
}

const isInteger = (value: unknown): value is number => Number.isInteger(value)

/** The place of the first item with a price of its own in a list of tools, messages or inputs. */
function unpricedItem(name: string, value: unknown): string | undefined {
  const isPriced = name === 'tools' ? isPricedTool : name === 'messages' || name === 'input' ? isPricedItem : undefined
  if (!isPriced || !Array.isArray(value)) return undefined
  const at = value.findIndex((item: unknown) => !isPriced(item))
  return at === -1 ? undefined : `${name}[${at}]`
}

const isPricedTool = (tool: unknown): boolean =>
  isObject(tool) &&
  PRICED_TOOLS.some((type) => type === tool['type']) &&
  Object.keys(tool).every((key) => TOOL_FIELDS.includes(key))

/** A message, or another item of a conversation. */
function isPricedItem(item: unknown): boolean {
  if (!isObject(item) || !isInLowerCase(item)) return false
  const { content, audio } = item
  if (audio !== undefined && audio !== null) return false
  return !Array.isArray(content) || content.every(isPricedPart)
}

const isPricedPart = (part: unknown): boolean =>
  isObject(part) && isInLowerCase(part) && PRICED_PARTS.some((type) => type === part['type'])

/** Upstreams written in Go read `Type` as `type`. */
const isInLowerCase = (object: Record<string, unknown>): boolean =>
  Object.keys(object).every((key) => key === key.toLowerCase())
