import { endUserId, imageCount, modelName } from '../request-limits'
import * as z from 'zod'
import { checked } from '../../refusals/checked'
import { DEFAULTS } from '../../image/request'
import { readChat } from './body'
import { briefIn, messages } from './conversation'
import { imageConfig, knobs, looksOf } from './knobs'
import { withoutIdle } from './parameters'
import type { ParsedRequest } from '../dialect'
import type { Intake } from '../intake'
import { mapInTurn, isObject } from '../json-body'

/** Where an answer has its pictures: in its text, as relays have it, or beside that, as OpenRouter has it. */
export type PicturePlace = 'markdown' | 'images'

/** How the caller wants its answer. */
export const chatAnswerOptions = z.object({
  /** The model as the caller calls it. */
  model: z.string(),
  way: z.enum(['markdown', 'images']),
  picture: z.enum(['link', 'data']),
  stream: z.boolean(),
  /** Whether a stream tells its tokens. */
  usage: z.boolean(),
  /** What the caller calls parameters that it did not call as the images API does. */
  names: z.record(z.string(), z.string()),
})
export type ChatAnswerOptions = z.infer<typeof chatAnswerOptions>

/** Text is what it is by itself; the two other words are the images API's, by which relays' clients know pictures. */
const responseFormat = z.preprocess(
  (given) => (isObject(given) ? given['type'] : given),
  z.enum(['text', 'url', 'b64_json']).nullish(),
)

const body = z.strictObject({
  model: modelName,
  messages,
  n: imageCount.nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  usage: z.looseObject({ include: z.boolean().nullish() }).nullish(),
  modalities: z.array(z.enum(['text', 'image'])).nullish(),
  response_format: responseFormat,
  ...knobs,
  image_config: imageConfig.nullish(),
  safety_identifier: endUserId.nullish(),
  user: endUserId.nullish(),
})
type Fields = z.infer<typeof body>

/**
 * Reads a chat completion; `usual` is the way of an answer where the request does not show what is expected. Throws
 * GatewayError.
 */
export async function parse(intake: Intake, usual: PicturePlace): Promise<ParsedRequest<ChatAnswerOptions>> {
  const { fields: given, strings } = await readChat(intake)
  const { fields, adjustments } = withoutIdle(given)
  const asked = fields['model']
  adjustments.unshift(...intake.replaceModel(fields))
  const valid = checked(body, fields)
  const { brief, adjustments: said } = briefIn(valid.messages, strings)
  const { looks, names } = looksOf(valid, valid.image_config)
  const images = await mapInTurn(brief.pictures, async ({ picture, param }, at) =>
    'url' in picture ? await intake.pictureAt(picture.url, { number: at + 1, param }) : picture,
  )
  const endUser = valid.safety_identifier || valid.user
  return {
    request: {
      operation: images.length > 0 ? 'edit' : 'generate',
      model: valid.model,
      prompt: brief.prompt,
      n: valid.n ?? DEFAULTS.n,
      ...looks,
      extras: {},
      images,
      partials: 0,
      ...(endUser ? { endUser } : {}),
    },
    adjustments: [...adjustments, ...said],
    options: { model: String(asked), ...wayOf(valid, usual), names },
  }
}

function wayOf(fields: Fields, usual: PicturePlace): Omit<ChatAnswerOptions, 'model' | 'names'> {
  const { modalities, image_config, response_format, stream, stream_options, usage } = fields
  const asked: PicturePlace = modalities?.includes('image') || image_config ? 'images' : 'markdown'
  const way = modalities || image_config ? asked : usual
  const usually = way === 'markdown' ? 'link' : 'data'
  return {
    way,
    picture: response_format === 'url' ? 'link' : response_format === 'b64_json' ? 'data' : usually,
    stream: stream ?? false,
    usage: stream_options?.include_usage ?? usage?.include ?? false,
  }
}
