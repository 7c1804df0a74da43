import { MAX_PROMPT } from '../request-limits'
import * as z from 'zod'
import { invalidParameter } from '../../failures/parameters'
import { type Failure, GatewayError } from '../../failures/errors'
import { DEFAULTS, MAX_INPUTS, type ImageRequestOf } from '../../image/request'
import {
  type PromptWithPictures,
  promptWithPictures,
  endsWithRequest,
  requestLast,
  type ConversationTurn,
} from '../conversation'
import type { ParsedRequest } from '../dialect'
import type { Intake } from '../intake'
import { type NamedPicture, sourceOf } from '../named-picture'
import type { BodyPicture, PictureSource } from '../picture-source'
import { sharedSettings, PARTIALS_NEED_STREAM } from '../openai/shared-parameters'
import { IDLE_FIELDS, readResponsesBody, type ResponsesBody, type ImageTool, tooManyResponsePictures } from './body'
import { repeatedParameters } from './echo'
import { turnsOfItems } from './input'
import { pictureOfResponse, pictureSource } from './pictures'
import { idleAdjustments } from '../idle-adjustments'

/** Options of a response. */
export const responsesAnswerOptions = z.object({
  stream: z.boolean(),
  /** The parameters that the response repeats. */
  repeated: z.record(z.string(), z.unknown()),
  /** The parameter of the image model. */
  modelParam: z.string(),
  /** Set for a background response: its events have fixed numbers, with so many for previews. */
  background: z.object({ previews: z.number() }).optional(),
})
export type ResponsesAnswerOptions = z.infer<typeof responsesAnswerOptions>

/** The default model of the tool (protocols §2.3), and its substitutes, the best first. */
const DEFAULT_MODELS = ['gpt-image-2.6-sunburst', 'gpt-image-2.5-sunburst', 'gpt-image-2'] as const

/** Reads a request for a response with a picture. Throws GatewayError. */
export async function parseResponse(intake: Intake): Promise<ParsedRequest<ResponsesAnswerOptions>> {
  const { body, pictures } = await readResponsesBody(intake)
  const tool = body.tools?.[0]
  const isOwn = !tool || (!tool.model && intake.isImageModel(body.model))
  const modelParam = isOwn ? 'model' : 'tools[0].model'
  const named = isOwn ? body.model : (tool.model ?? intake.firstAllowed(DEFAULT_MODELS))
  const { model, adjustments } = intake.model(named, { param: modelParam })
  adjustments.push(...idleAdjustments(withoutDefaults(body), IDLE_FIELDS))
  const { prompted, ignored } = promptOfResponse(body, tool)
  if (ignored) adjustments.push({ note: 'input_image', refusal: PICTURES_IGNORED })
  const partials = tool?.partial_images ?? 0
  if (partials > 0 && !body.stream)
    adjustments.push({ note: `partial_images=${partials}>0`, refusal: PARTIALS_NEED_STREAM })
  const endUser = body.safety_identifier || body.user
  const request = {
    model,
    prompt: prompted.prompt,
    n: DEFAULTS.n,
    ...sharedSettings(tool ?? {}),
    ...operationInputs(prompted, tool, pictures),
    partials: body.stream ? partials : 0,
    ...(endUser ? { endUser } : {}),
  }
  return {
    request,
    adjustments,
    options: {
      stream: body.stream ?? false,
      repeated: repeatedParameters(body, named),
      modelParam,
      ...(body.background ? { background: { previews: request.partials } } : {}),
    },
    ...(body.background ? { job: { isFollowed: true } } : {}),
  }
}

/** The fields of a body; the defaults of its objects ask for nothing. */
const withoutDefaults = ({ image, background_options: options, ...rest }: ResponsesBody): Record<string, unknown> => ({
  ...rest,
  image: image?.context_compression === 'auto' ? null : image,
  background_options: options?.continuation_id ? options : null,
})

/** The prompt and pictures of a request, and whether the action ignores the pictures. Throws GatewayError. */
function promptOfResponse(
  body: ResponsesBody,
  tool: ImageTool | undefined,
): { prompted: PromptWithPictures<NamedPicture>; ignored: boolean } {
  const { instructions, previous_response_id: id, input } = body
  const turns: ConversationTurn<NamedPicture>[] = [
    { role: 'system', texts: [instructions ?? ''], pictures: [] },
    { role: 'model', texts: [], pictures: id ? [pictureOfResponse(id)] : [] },
    ...requestLast(turnsOfItems(input)),
  ]
  const prompted = promptWithPictures(turns)
  const { prompt, pictures } = prompted
  if (prompt === '' || !endsWithRequest(turns)) throw new GatewayError(MISSING_TEXT)
  if (prompt.length > MAX_PROMPT) throw new GatewayError(PROMPT_TOO_LONG)
  if (pictures.length > MAX_INPUTS) throw new GatewayError(tooManyResponsePictures('input', MAX_INPUTS))
  if (tool?.action === 'edit' && pictures.length === 0) throw new GatewayError(NOTHING_TO_EDIT)
  const ignored = tool?.action === 'generate' && pictures.length > 0
  if (tool?.input_image_mask && (ignored || pictures.length === 0)) throw new GatewayError(NOTHING_TO_MASK)
  return { prompted: ignored ? { prompt, pictures: [] } : prompted, ignored }
}

type OperationInputs = Pick<ImageRequestOf<PictureSource>, 'operation' | 'images' | 'mask' | 'inputFidelity'>

/** The operation and its pictures. */
function operationInputs(
  prompted: PromptWithPictures<NamedPicture>,
  tool: ImageTool | undefined,
  pictures: readonly BodyPicture[],
): OperationInputs {
  // Input fidelity needs a picture.
  if (prompted.pictures.length === 0) return { operation: 'generate', images: [] }
  const { input_image_mask: given, input_fidelity: inputFidelity } = tool ?? {}
  const mask = given && pictureSource('tools[0].input_image_mask', given)
  const images = prompted.pictures.map((source, at) => sourceOf(source, at + 1, pictures))
  return {
    operation: 'edit',
    images,
    ...(mask ? { mask: sourceOf(mask, images.length + 1, pictures) } : {}),
    ...(inputFidelity ? { inputFidelity } : {}),
  }
}

const MISSING_TEXT: Failure = {
  code: 'invalid_request',
  message: "Invalid 'input': no text says what to make. Add a message of the user's with an input_text.",
  param: 'input',
  reason: 'empty_string',
}

const PROMPT_TOO_LONG: Failure = {
  code: 'invalid_request',
  message: `Invalid 'input': its texts and 'instructions' are together longer than ${MAX_PROMPT} characters.`,
  param: 'input',
  reason: 'string_above_max_length',
}

const NOTHING_TO_EDIT = invalidParameter(
  'tools[0].action',
  "There is no picture to edit. Add an input_image or 'previous_response_id', or set 'action' to auto.",
)
const NOTHING_TO_MASK = invalidParameter(
  'tools[0].input_image_mask',
  'A mask goes with a picture to edit, and there is none. Add an input_image, or leave the mask out.',
)
const PICTURES_IGNORED = invalidParameter(
  'tools[0].action',
  "A new picture is made without those of the conversation. Set 'action' to edit or auto, or leave them out.",
)
