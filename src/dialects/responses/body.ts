import { endUserId, MAX_PROMPT, modelName, shortValue } from '../request-limits'
import * as z from 'zod'
import { invalidParameter, unknownParameter } from '../../failures/parameters'
import { checked } from '../../failures/checked'
import { type Failure, GatewayError } from '../../failures/errors'
import type { Path } from '../../streams/json'
import type { Intake } from '../intake'
import type { BodyPicture } from '../picture-source'
import { readJsonBody } from '../json-body'
import { sharedParameters } from '../openai/shared-parameters'
import { responseInput } from './input'

const imageTool = z.strictObject({
  type: z.literal('image_generation'),
  model: modelName.nullish(),
  action: z.enum(['generate', 'edit', 'auto']).nullish(),
  input_fidelity: z.enum(['low', 'high']).nullish(),
  input_image_mask: z.strictObject({ image_url: z.string().nullish(), file_id: z.string().nullish() }).nullish(),
  ...sharedParameters.shape,
})
export type ImageTool = z.infer<typeof imageTool>

/** The longest `tool_choice` in characters of JSON: an answer repeats it. */
const MAX_TOOL_CHOICE = 1024

const toolChoice = z.union(
  [
    z.enum(['auto', 'required']),
    z
      .looseObject({ type: z.enum(['image_generation', 'allowed_tools']) })
      .refine((choice) => JSON.stringify(choice).length <= MAX_TOOL_CHOICE, 'Send a shorter one.'),
  ],
  { error: 'Send \'auto\', \'required\' or {"type": "image_generation"}.' },
)

/** A field that only text models use. */
const unusedField = z.unknown().optional()

/** The unused fields that are reported, with their defaults; SDKs send the others unasked. */
export const IDLE_FIELDS: Readonly<Record<string, unknown>> = {
  access_programs: null,
  background_options: null,
  context_management: null,
  image: null,
  include: null,
  input_transformations: null,
  max_output_tokens: null,
  max_tool_calls: null,
  moderation: null,
  reasoning: null,
  service_tier: 'auto',
  temperature: 1,
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
}

/** The limit of the API. */
const MAX_METADATA = 16
/** An answer repeats the key; the API takes no longer one. */
const MAX_CACHE_KEY = 1024
/** Longer than any id of this gateway, in characters. */
const MAX_RESPONSE_ID = 1024

const responsesBody = z.strictObject({
  model: modelName,
  input: responseInput,
  instructions: z.string().max(MAX_PROMPT).nullish(),
  tools: z.array(imageTool).max(1).nullish(),
  tool_choice: toolChoice.nullish(),
  stream: z.boolean().nullish(),
  previous_response_id: z.string().max(MAX_RESPONSE_ID).nullish(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= MAX_METADATA, `Send at most ${MAX_METADATA} pairs.`)
    .nullish(),
  safety_identifier: endUserId.nullish(),
  user: endUserId.nullish(),
  text: z
    .looseObject({
      format: z.looseObject({ type: z.literal('text') }).nullish(),
      verbosity: z.enum(['low', 'medium', 'high']).nullish(),
    })
    .nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_output_tokens: z.number().nullish(),
  max_tool_calls: z.number().nullish(),
  prompt_cache_key: z.string().max(MAX_CACHE_KEY).nullish(),
  reasoning: z.looseObject({ effort: shortValue.nullish(), summary: shortValue.nullish() }).nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  image: z.looseObject({ context_compression: z.enum(['auto', 'enabled', 'disabled']).nullish() }).nullish(),
  moderation: z.looseObject({ model: modelName }).nullish(),
  access_programs: unusedField,
  background: z.boolean().nullish(),
  background_options: z
    .strictObject({
      completion_window: z.enum(['soonest', '2h', '8h']).nullish(),
      continuation_id: z.string().nullish(),
    })
    .nullish(),
  context_management: unusedField,
  conversation: unusedField,
  include: unusedField,
  input_transformations: unusedField,
  prompt: unusedField,
  prompt_cache_options: unusedField,
  prompt_cache_retention: unusedField,
  service_tier: unusedField,
  store: z.boolean().nullish(),
  stream_options: unusedField,
  top_logprobs: unusedField,
})
export type ResponsesBody = z.infer<typeof responsesBody>

/** Fields that ask for more than a picture, with the way to ask here; null asks for nothing. */
const UNSUPPORTED_FIELDS: Record<string, string> = {
  conversation: "Send the conversation as 'input', or the id of its last response as 'previous_response_id'.",
  prompt: "Send the text of the template as 'input'.",
}

/** Long conversations show so many; the last picture of the model stands for all before it. */
const MAX_INPUT_PICTURES = 100

/** Reads a body and its pictures as they pass. Throws GatewayError. */
export async function readResponsesBody(intake: Intake): Promise<{ body: ResponsesBody; pictures: BodyPicture[] }> {
  const { fields, pictures } = await readJsonBody(intake, {
    isPicture: (path) => PICTURE_PLACES.includes(placeInBody(path)),
    isBare: (path) => BARE_PICTURE_PLACES.includes(placeInBody(path)),
    most: MAX_INPUT_PICTURES,
    tooMany: (param) => tooManyResponsePictures(param, MAX_INPUT_PICTURES),
  })
  for (const [name, hint] of Object.entries(UNSUPPORTED_FIELDS))
    if (fields[name]) throw new GatewayError(unknownParameter(name, hint))
  const body = checked(responsesBody, fields)
  if ((body.background_options?.completion_window ?? 'soonest') !== 'soonest') throw new GatewayError(NO_DISCOUNT)
  if (body.background && body.store === false) throw new GatewayError(NOT_STORED)
  return { body, pictures }
}

const NOT_STORED = invalidParameter(
  'store',
  "A background response is kept for a day, until its client asks for it. Leave 'store' out, or set it to true.",
)

const NO_DISCOUNT = invalidParameter(
  'background_options.completion_window',
  "Pictures are made at once, at their full price. Leave it out, or set it to 'soonest'.",
)

/** Earlier pictures and masks may come as base64 without a data URL. */
const BARE_PICTURE_PLACES = ['input.*.result', 'tools.*.input_image_mask.image_url']
const PICTURE_PLACES = [...BARE_PICTURE_PLACES, 'input.*.content.*.image_url']

const placeInBody = (path: Path): string => path.map((key) => (typeof key === 'number' ? '*' : key)).join('.')

export const tooManyResponsePictures = (param: string, most: number): Failure => ({
  code: 'invalid_request',
  message: `Invalid '${param}': too many images. Expected at most ${most}.`,
  param,
  reason: 'array_above_max_length',
})
