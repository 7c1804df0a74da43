import { endUserId, modelName } from '../request-limits'
import * as z from 'zod'
import { unknownParameter } from '../../refusals/parameters'
import { checked } from '../../refusals/checked'
import { type Failure, GatewayError } from '../../runtime/errors'
import type { Path } from '../../streams/json'
import type { Intake } from '../intake'
import { type BodyPicture, readJsonBody } from '../json-body'
import { parameters } from '../openai/parameters'
import { input } from './input'

const tool = z.strictObject({
  type: z.literal('image_generation'),
  model: modelName.nullish(),
  action: z.enum(['generate', 'edit', 'auto']).nullish(),
  input_fidelity: z.enum(['low', 'high']).nullish(),
  input_image_mask: z.strictObject({ image_url: z.string().nullish(), file_id: z.string().nullish() }).nullish(),
  ...parameters.shape,
})
export type Tool = z.infer<typeof tool>

const toolChoice = z.union(
  [z.enum(['auto', 'required']), z.looseObject({ type: z.enum(['image_generation', 'allowed_tools']) })],
  { error: 'Send \'auto\', \'required\' or {"type": "image_generation"}.' },
)

/** A field that only text models use. */
const unheeded = z.unknown().optional()

/** The unused fields that are reported, with their defaults; SDKs send the others unasked. */
export const IDLE: Readonly<Record<string, unknown>> = {
  include: null,
  max_output_tokens: null,
  max_tool_calls: null,
  reasoning: null,
  service_tier: 'auto',
  temperature: 1,
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
}

/** The limit of the API. */
const MAX_METADATA = 16

const body = z.strictObject({
  model: modelName,
  input,
  instructions: z.string().nullish(),
  tools: z.array(tool).max(1).nullish(),
  tool_choice: toolChoice.nullish(),
  stream: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= MAX_METADATA, `Send at most ${MAX_METADATA} pairs.`)
    .nullish(),
  safety_identifier: endUserId.nullish(),
  user: endUserId.nullish(),
  text: z.looseObject({ format: z.looseObject({ type: z.literal('text') }).nullish() }).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  background: unheeded,
  conversation: unheeded,
  include: unheeded,
  max_output_tokens: unheeded,
  max_tool_calls: unheeded,
  prompt: unheeded,
  prompt_cache_key: unheeded,
  prompt_cache_options: unheeded,
  prompt_cache_retention: unheeded,
  reasoning: unheeded,
  service_tier: unheeded,
  store: unheeded,
  stream_options: unheeded,
  top_logprobs: unheeded,
  truncation: unheeded,
})
export type ResponsesBody = z.infer<typeof body>

/** Fields that ask for more than a picture, with the way to ask here; null and false ask for nothing. */
const BEYOND: Record<string, string> = {
  background: "Leave it out, or send the header 'Prefer: respond-async' to get the address of the answer.",
  conversation: "Send the conversation as 'input', or the id of its last response as 'previous_response_id'.",
  prompt: "Send the text of the template as 'input'.",
}

/** Long conversations show so many; the last picture of the model stands for all before it. */
const MAX_PICTURES = 100

/** Reads a body and stores its pictures as they pass. Throws GatewayError. */
export async function readBody(intake: Intake): Promise<{ asked: ResponsesBody; pictures: BodyPicture[] }> {
  const { fields, pictures } = await readJsonBody(intake, {
    isPicture: (path) => PICTURES.includes(placeOf(path)),
    isBare: (path) => BARE_PICTURES.includes(placeOf(path)),
    most: MAX_PICTURES,
    tooMany: (param) => tooManyPictures(param, MAX_PICTURES),
  })
  for (const [name, hint] of Object.entries(BEYOND))
    if (fields[name]) throw new GatewayError(unknownParameter(name, hint))
  return { asked: checked(body, fields), pictures }
}

/** Earlier pictures and masks may come as base64 without a data URL. */
const BARE_PICTURES = ['input.*.result', 'tools.*.input_image_mask.image_url']
const PICTURES = [...BARE_PICTURES, 'input.*.content.*.image_url']

const placeOf = (path: Path): string => path.map((key) => (typeof key === 'number' ? '*' : key)).join('.')

export const tooManyPictures = (param: string, most: number): Failure => ({
  code: 'invalid_request',
  message: `Invalid '${param}': too many images. Expected at most ${most}.`,
  param,
  reason: 'array_above_max_length',
})
