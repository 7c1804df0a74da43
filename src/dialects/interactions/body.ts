import * as z from 'zod'
import type { Adjustment } from '../../catalog/fit'
import { checked } from '../../failures/checked'
import { invalidParameter, unknownParameter } from '../../failures/parameters'
import { type Failure, GatewayError, throwIfRefused } from '../../failures/errors'
import { aspectRatio, imageSize } from '../google/shape'
import { asksForSomething } from '../idle-adjustments'
import { isObject } from '../json-body'
import type { NamedPicture } from '../named-picture'
import { MAX_PROMPT, modelName, shortValue } from '../request-limits'
import type { ConversationTurn } from '../conversation'
import { contentInput, isContent, stepsInput, turnsOfContent, turnsOfSteps } from './input'

/** Longer than any id of this gateway, in characters. */
const MAX_INTERACTION_ID = 1024

const imageFormat = z.strictObject({
  type: z.literal('image', { error: "Images are made here. Ask for the type 'image'." }),
  aspect_ratio: aspectRatio,
  image_size: imageSize,
  mime_type: z.enum(['image/png', 'image/jpeg', 'image/webp']).nullish(),
  delivery: z.enum(['inline', 'uri']).nullish(),
})

/** The formats of other kinds than pictures are left out where a picture is asked for too. */
function imageFormats(given: unknown): unknown {
  const all = Array.isArray(given) ? given : [given]
  const pictures = all.filter((each) => isObject(each) && each['type'] === 'image')
  return given === undefined || given === null ? [] : pictures.length > 0 ? pictures : all
}

const interactionFields = z.strictObject({
  model: modelName,
  system_instruction: z.string().max(MAX_PROMPT).nullish(),
  previous_interaction_id: z.string().max(MAX_INTERACTION_ID).nullish(),
  response_format: z.preprocess(imageFormats, z.array(imageFormat).max(1)),
  response_modalities: z.array(shortValue).nullish(),
  generation_config: z
    .strictObject({
      seed: z.int().nullish(),
      image_config: z.strictObject({ aspect_ratio: aspectRatio, image_size: imageSize }).nullish(),
    })
    .nullish(),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
})
export type InteractionFields = z.infer<typeof interactionFields>

const withContent = interactionFields.extend({ input: contentInput })
const withSteps = interactionFields.extend({ input: stepsInput })

/** A body and the turns of its input. */
export interface InteractionBody {
  fields: InteractionFields
  turns: ConversationTurn<NamedPicture>[]
  adjustments: Adjustment[]
}

/** Fields without effect on an image: at the top and in `generation_config`. */
const IDLE_FIELDS = ['labels', 'response_mime_type', 'safety_settings', 'service_tier', 'tools']
const IDLE_CONFIG_FIELDS = [
  'max_output_tokens',
  'speech_config',
  'stop_sequences',
  'temperature',
  'thinking_level',
  'thinking_summaries',
  'tool_choice',
  'top_p',
  'transcription_config',
  'video_config',
]

/** Fields that ask for more than a picture, with the way to ask here. */
const UNSUPPORTED_FIELDS: Readonly<Record<string, string>> = {
  agent: "Agents are not served here. Name an image model in 'model'.",
  agent_config: "Agents are not served here. Name an image model in 'model'.",
  cached_content: "Send the content as 'input'.",
  continuation_token: 'Pictures come in one piece. Leave it out.',
  environment: 'Environments are not served here. Leave it out.',
  webhook_config: "Send the URL in the header 'X-Webhook-URL'.",
}

/** Checks the fields of a body and reports those without effect. Throws GatewayError. */
export function readInteraction(given: Record<string, unknown>): InteractionBody {
  for (const [name, hint] of Object.entries(UNSUPPORTED_FIELDS))
    if (asksForSomething(given[name], false)) throw new GatewayError(unknownParameter(name, hint))
  const config = isObject(given['generation_config']) ? given['generation_config'] : undefined
  const top = withoutIdle(given, [...IDLE_FIELDS, ...Object.keys(UNSUPPORTED_FIELDS)], '')
  const inner = config && withoutIdle(config, IDLE_CONFIG_FIELDS, 'generation_config.')
  const read = readTurns(inner ? { ...top.kept, generation_config: inner.kept } : top.kept)
  throwIfRefused(contradiction(read.fields))
  return { ...read, adjustments: [...top.adjustments, ...(inner?.adjustments ?? [])] }
}

function readTurns(given: Record<string, unknown>): Omit<InteractionBody, 'adjustments'> {
  if (isContent(given['input'])) {
    const { input, ...fields } = checked(withContent, given)
    return { fields, turns: turnsOfContent(input) }
  }
  const { input, ...fields } = checked(withSteps, given)
  return { fields, turns: turnsOfSteps(input) }
}

function withoutIdle(
  fields: Record<string, unknown>,
  idle: readonly string[],
  path: string,
): { kept: Record<string, unknown>; adjustments: Adjustment[] } {
  const entries = Object.entries(fields)
  return {
    kept: Object.fromEntries(entries.filter(([name]) => !idle.includes(name))),
    adjustments: entries
      .filter(([name, value]) => idle.includes(name) && asksForSomething(value))
      .map(([name]) => ({ note: name, refusal: unknownParameter(path + name) })),
  }
}

function contradiction({
  response_format: [format],
  response_modalities: modalities,
  generation_config: config,
  background,
  store,
}: InteractionFields): Failure | undefined {
  if (modalities && modalities.length > 0 && !modalities.some((each) => each.toLowerCase() === 'image'))
    return invalidParameter('response_modalities', "Images are made here. Have 'image' among the modalities.")
  if (format && config?.image_config)
    return invalidParameter(
      'generation_config.image_config',
      "Send either 'response_format' or 'generation_config.image_config', not both.",
    )
  if (background && store === false) return NOT_STORED
  return undefined
}

const NOT_STORED = invalidParameter(
  'store',
  "A background interaction is kept for a day, until its client asks for it. Leave 'store' out, or set it to true.",
)
