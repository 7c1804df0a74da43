import { shortValue } from '../request-limits'
import * as z from 'zod'
import { invalidParameter } from '../../failures/parameters'
import { shapeText } from '../../catalog/shapes'
import { GatewayError } from '../../failures/errors'
import { DEFAULTS, type ImageRequest } from '../../image/request'

const ratioText = z
  .string()
  .regex(/^(?:auto|\d{1,3}:\d{1,3})$/, "Expected 'auto' or WIDTH:HEIGHT, for example '16:9'.")
  .nullish()

const resolutionInCapitals = (given: unknown): unknown =>
  typeof given === 'string' ? given.toUpperCase().replace('0.5K', '512') : given

/** Parameters of the pictures: beside the messages, as in relays, or under `image_config`. */
export const pictureParameters = {
  size: shortValue.nullish(),
  aspect_ratio: ratioText,
  image_size: z.preprocess(resolutionInCapitals, z.enum(['512', '1K', '2K', '4K']).nullish()),
  quality: shortValue.nullish(),
  background: shortValue.nullish(),
  moderation: shortValue.nullish(),
  output_format: shortValue.nullish(),
  output_compression: z.int().min(0).max(100).nullish(),
}
export const imageConfig = z.strictObject(pictureParameters)

type PictureParameters = z.infer<typeof imageConfig>
const PICTURE_PARAMETERS = imageConfig.keyof().options

/** The parameters of the pictures, with the names that the client used. */
export interface PictureSettings {
  settings: Pick<ImageRequest, 'size' | 'quality' | 'background' | 'moderation' | 'format' | 'compression'>
  /** The client's name for each parameter that has another name in the Images API. */
  names: Record<string, string>
}

/** Throws GatewayError for a parameter that stands in both places. */
export function pictureSettings(
  topLevel: PictureParameters,
  nested: PictureParameters | null | undefined,
): PictureSettings {
  const names: Record<string, string> = {}
  for (const name of nested ? PICTURE_PARAMETERS : []) {
    if (!isGiven(topLevel[name])) names[name] = `image_config.${name}`
    else if (isGiven(nested?.[name]))
      throw new GatewayError(invalidParameter(name, `Send either '${name}' or 'image_config.${name}'.`))
  }
  const valueOf = <Name extends keyof PictureParameters>(name: Name): PictureParameters[Name] =>
    nested?.[name] ?? topLevel[name]
  const [size, aspect, resolution] = [valueOf('size'), valueOf('aspect_ratio'), valueOf('image_size')]
  const shapedBy = aspect ? 'aspect_ratio' : resolution ? 'image_size' : undefined
  if (shapedBy) {
    if (size)
      throw new GatewayError(invalidParameter('size', "Send either 'size', or 'aspect_ratio' and 'image_size'."))
    names['size'] = names[shapedBy] ?? shapedBy
  }
  return {
    settings: {
      size: size ?? shapeText({ ratio: aspect ?? undefined, resolution: resolution ?? undefined }),
      quality: valueOf('quality') ?? DEFAULTS.quality,
      background: valueOf('background') ?? DEFAULTS.background,
      moderation: valueOf('moderation') ?? DEFAULTS.moderation,
      format: valueOf('output_format') ?? DEFAULTS.format,
      compression: valueOf('output_compression') ?? DEFAULTS.compression,
    },
    names,
  }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null
