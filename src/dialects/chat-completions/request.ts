import { endUserId, imageCount, modelName } from '../request-limits'
import * as z from 'zod'
import { checked } from '../../failures/checked'
import { DEFAULTS } from '../../image/request'
import { readChat } from './body'
import { promptOfMessages, messages } from './conversation'
import { imageConfig, pictureParameters, pictureSettings } from './picture-parameters'
import { withoutIdleParameters } from './idle-parameters'
import type { ParsedRequest } from '../dialect'
import type { Intake } from '../intake'
import type { PictureSource } from '../picture-source'
import { isObject } from '../json-body'

/** The place of pictures in an answer: in its text, as in relays, or beside it, as in OpenRouter. */
export type PicturePlace = 'markdown' | 'images'

/** Options of an answer. */
export const chatAnswerOptions = z.object({
  /** The model by the client's name. */
  model: z.string(),
  way: z.enum(['markdown', 'images']),
  picture: z.enum(['link', 'data']),
  stream: z.boolean(),
  /** Whether a stream reports its tokens. */
  usage: z.boolean(),
  /** The client's names of parameters, by those of the Images API, if they differ. */
  names: z.record(z.string(), z.string()),
})
export type ChatAnswerOptions = z.infer<typeof chatAnswerOptions>

/** `text` is the default; clients of relays know the two words of the Images API. */
const responseFormat = z.preprocess(
  (given) => (isObject(given) ? given['type'] : given),
  z.enum(['text', 'url', 'b64_json']).nullish(),
)

const chatBody = z.strictObject({
  model: modelName,
  messages,
  n: imageCount.nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  usage: z.looseObject({ include: z.boolean().nullish() }).nullish(),
  modalities: z.array(z.enum(['text', 'image'])).nullish(),
  response_format: responseFormat,
  ...pictureParameters,
  image_config: imageConfig.nullish(),
  safety_identifier: endUserId.nullish(),
  user: endUserId.nullish(),
})
type ChatFields = z.infer<typeof chatBody>

/** Reads a chat completion; `defaultPlace` is the place of pictures unless the request tells. Throws GatewayError. */
export async function parseChat(intake: Intake, defaultPlace: PicturePlace): Promise<ParsedRequest<ChatAnswerOptions>> {
  const { fields: given, strings } = await readChat(intake)
  const { fields, adjustments } = withoutIdleParameters(given)
  const clientName = intake.deployment ?? fields['model']
  adjustments.unshift(...intake.replaceModel(fields))
  const valid = checked(chatBody, fields)
  const { prompted, adjustments: promptAdjustments } = promptOfMessages(valid.messages, strings)
  const { settings, names } = pictureSettings(valid, valid.image_config)
  const images = prompted.pictures.map(({ picture, param }, at): PictureSource =>
    'url' in picture ? { url: picture.url, position: { number: at + 1, param } } : picture,
  )
  const endUser = valid.safety_identifier || valid.user
  return {
    request: {
      operation: images.length > 0 ? 'edit' : 'generate',
      model: valid.model,
      prompt: prompted.prompt,
      n: valid.n ?? DEFAULTS.n,
      ...settings,
      extras: {},
      images,
      partials: 0,
      ...(endUser ? { endUser } : {}),
    },
    adjustments: [...adjustments, ...promptAdjustments],
    options: {
      model: typeof clientName === 'string' ? clientName : valid.model,
      ...answerOptionsOf(valid, defaultPlace),
      names,
    },
  }
}

function answerOptionsOf(fields: ChatFields, defaultPlace: PicturePlace): Omit<ChatAnswerOptions, 'model' | 'names'> {
  const { modalities, image_config, response_format, stream, stream_options, usage } = fields
  const requested: PicturePlace = modalities?.includes('image') || image_config ? 'images' : 'markdown'
  const way = modalities || image_config ? requested : defaultPlace
  const usualPicture = way === 'markdown' ? 'link' : 'data'
  return {
    way,
    picture: response_format === 'url' ? 'link' : response_format === 'b64_json' ? 'data' : usualPicture,
    stream: stream ?? false,
    usage: stream_options?.include_usage ?? usage?.include ?? false,
  }
}
