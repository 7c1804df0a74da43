import * as z from 'zod'
import { shapeText } from '../../catalog/shapes'
import { type Failure, GatewayError } from '../../failures/errors'
import { DEFAULTS, type ImageRequestOf } from '../../image/request'
import type { Path } from '../../streams/json'
import { promptWithPictures, endsWithRequest, type ConversationTurn } from '../conversation'
import type { ParsedRequest } from '../dialect'
import type { Intake } from '../intake'
import { readJsonBody } from '../json-body'
import { type NamedPicture, sourceOf } from '../named-picture'
import type { BodyPicture, PictureSource } from '../picture-source'
import { MAX_PROMPT } from '../request-limits'
import { type InteractionFields, readInteraction } from './body'
import { pictureOfInteraction } from './pictures'

/** Options of an interaction. */
export const interactionOptions = z.object({
  stream: z.boolean(),
  delivery: z.enum(['inline', 'uri']),
  /** The fields that the interaction repeats. */
  repeated: z.record(z.string(), z.unknown()),
  /** The object that holds the aspect ratio and the resolution. */
  sizeParam: z.string().optional(),
})
export type InteractionOptions = z.infer<typeof interactionOptions>

/** Reads a request. Throws GatewayError. */
export async function parseInteraction(intake: Intake): Promise<ParsedRequest<InteractionOptions>> {
  const { fields: given, pictures } = await readJsonBody(intake, {
    isPicture: (path) => isPictureAt(path, ['data', 'uri']),
    isBare: (path) => isPictureAt(path, ['data']),
    most: MAX_PICTURES,
    tooMany,
  })
  const { fields: body, turns, adjustments } = readInteraction(given)
  const { model, adjustments: standIn } = intake.model(body.model)
  const [format] = body.response_format
  const stream = body.stream ?? false
  return {
    request: interactionRequest(model, body, [...turnsBefore(body), ...turns], pictures),
    adjustments: [...standIn, ...adjustments],
    options: {
      stream,
      delivery: format?.delivery ?? 'inline',
      repeated: { model: body.model, previous_interaction_id: body.previous_interaction_id ?? undefined },
      ...(body.generation_config?.image_config ? { sizeParam: 'generation_config.image_config' } : {}),
    },
    ...(body.background ? { job: { isFollowed: true } } : {}),
  }
}

/** Whether a path leads to a picture of an input: content alone, in a list, or in a step. */
const isPictureAt = (path: Path, names: readonly string[]): boolean => {
  const [first, ...rest] = path.filter((each) => typeof each === 'string')
  const name = rest.at(-1) ?? ''
  return (
    first === 'input' && names.includes(name) && (rest.length === 1 || (rest.length === 2 && rest[0] === 'content'))
  )
}

/** Of all steps together; the model limits the pictures of one edit. */
const MAX_PICTURES = 64

const tooMany = (param: string): Failure => ({
  code: 'invalid_request',
  message: `An interaction may have ${MAX_PICTURES} images at most. Leave out its oldest steps.`,
  param,
  reason: 'array_above_max_length',
})

function interactionRequest(
  model: string,
  body: InteractionFields,
  turns: readonly ConversationTurn<NamedPicture>[],
  pictures: readonly BodyPicture[],
): ImageRequestOf<PictureSource> {
  const { seed, image_config } = body.generation_config ?? {}
  const [format] = body.response_format
  const { aspect_ratio, image_size } = format ?? image_config ?? {}
  const prompted = promptWithPictures(turns)
  if (prompted.prompt === '' || !endsWithRequest(turns)) throw new GatewayError(MISSING_TEXT)
  if (prompted.prompt.length > MAX_PROMPT) throw new GatewayError(PROMPT_TOO_LONG)
  return {
    ...DEFAULTS,
    operation: prompted.pictures.length > 0 ? 'edit' : 'generate',
    model,
    prompt: prompted.prompt,
    size: shapeText({ ratio: aspect_ratio ?? undefined, resolution: image_size ?? undefined }),
    format: format?.mime_type?.replace('image/', '') ?? DEFAULTS.format,
    extras: typeof seed === 'number' ? { seed } : {},
    images: prompted.pictures.map((each, at) => sourceOf(each, at + 1, pictures)),
    partials: 0,
  }
}

/** The turns that an input goes on with. */
const turnsBefore = ({
  system_instruction: instruction,
  previous_interaction_id: id,
}: InteractionFields): ConversationTurn<NamedPicture>[] => [
  { role: 'system', texts: [instruction ?? ''], pictures: [] },
  { role: 'model', texts: [], pictures: id ? [pictureOfInteraction(id)] : [] },
]

const MISSING_TEXT: Failure = {
  code: 'invalid_request',
  message: "The last step of 'input' has no text. Say in it what to draw.",
  param: 'input',
  reason: 'missing_required_parameter',
}

const PROMPT_TOO_LONG: Failure = {
  code: 'invalid_request',
  message: `The texts of 'input' are too long: together they may have ${MAX_PROMPT} characters.`,
  param: 'input',
  reason: 'string_above_max_length',
}
