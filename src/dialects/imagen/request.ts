import * as z from 'zod'
import { shapeText } from '../../catalog/shapes'
import { invalidParameter, tooManyImages, unknownParameter } from '../../failures/parameters'
import { GatewayError } from '../../failures/errors'
import { DEFAULTS, MAX_INPUTS, type ImageRequestOf } from '../../image/request'
import type { Path } from '../../streams/json'
import type { ParsedRequest } from '../dialect'
import { camelCase } from '../google/names'
import { modelAndMethod } from '../google/paths'
import type { Intake } from '../intake'
import { readJsonBody, sourceAt } from '../json-body'
import type { BodyPicture, PictureSource } from '../picture-source'
import { type ImagenFields, type ImagenReference, readImagenFields } from './fields'

/** Options of an answer. */
export const imagenAnswerOptions = z.object({
  /** Whether a refused picture is an entry of the answer with its reason. */
  includeRaiReason: z.boolean(),
})
export type ImagenAnswerOptions = z.infer<typeof imagenAnswerOptions>

/** Reads a request. Throws GatewayError. */
export async function parseImagen(intake: Intake): Promise<ParsedRequest<ImagenAnswerOptions>> {
  const [name] = modelAndMethod(intake.param('call') ?? '')
  const { model, adjustments } = intake.model(name)
  const { fields: given, pictures } = await readJsonBody(intake, {
    isPicture,
    isBare: isPicture,
    most: MAX_INPUTS + 1,
    tooMany: () => tooManyImages('instances[0].referenceImages', MAX_INPUTS),
  })
  const { fields, adjustments: idle } = readImagenFields(given)
  return {
    request: imagenRequest(model, fields, pictures),
    adjustments: [...adjustments, ...idle],
    options: { includeRaiReason: fields.parameters?.includeRaiReason ?? false },
  }
}

/** The places of pictures, by the names of protobuf too. */
const isPicture = (path: Path): boolean =>
  path[0] === 'instances' && camelCase(String(path.at(-1))) === 'bytesBase64Encoded'

function imagenRequest(
  model: string,
  { instances: [instance], parameters }: ImagenFields,
  pictures: readonly BodyPicture[],
): ImageRequestOf<PictureSource> {
  const { prompt = '' } = instance ?? {}
  const { aspectRatio, sampleImageSize, imageSize, sampleCount, outputOptions } = parameters ?? {}
  const { images, mask } = inputsOf(instance, pictures)
  return {
    ...DEFAULTS,
    operation: images.length > 0 ? 'edit' : 'generate',
    model,
    prompt,
    n: sampleCount ?? DEFAULTS.n,
    size: shapeText({ ratio: aspectRatio ?? undefined, resolution: sampleImageSize ?? imageSize ?? undefined }),
    format: outputOptions?.mimeType?.replace('image/', '') ?? DEFAULTS.format,
    compression: outputOptions?.compressionQuality ?? DEFAULTS.compression,
    extras: extrasOf(parameters),
    images,
    ...(mask ? { mask } : {}),
    partials: 0,
  }
}

const extrasOf = (parameters: ImagenFields['parameters']): Record<string, unknown> => {
  const { seed, negativePrompt, guidanceScale } = parameters ?? {}
  return {
    ...(typeof seed === 'number' ? { seed } : {}),
    ...(negativePrompt ? { negative_prompt: negativePrompt } : {}),
    ...(typeof guidanceScale === 'number' ? { guidance: guidanceScale } : {}),
  }
}

/** The pictures of an instance, and its mask. Throws GatewayError for a mask that Imagen would find by itself. */
function inputsOf(
  instance: ImagenFields['instances'][number] | undefined,
  pictures: readonly BodyPicture[],
): { images: BodyPicture[]; mask: BodyPicture | undefined } {
  const { image, mask, referenceImages } = instance ?? {}
  const source = (ordinal: string, place: string): BodyPicture =>
    sourceAt(pictures, ordinal, `instances[0].${place}.bytesBase64Encoded`)
  const references = (referenceImages ?? []).map((each, at) => {
    const place = `referenceImages[${at}]`
    if (!each.referenceImage) throw new GatewayError(withoutPicture(each, place))
    const { bytesBase64Encoded } = each.referenceImage
    return { isMask: isMask(each), source: source(bytesBase64Encoded, `${place}.referenceImage`) }
  })
  const own = mask ? source(mask.image.bytesBase64Encoded, 'mask.image') : undefined
  return {
    images: [
      ...(image ? [source(image.bytesBase64Encoded, 'image')] : []),
      ...references.filter((each) => !each.isMask).map((each) => each.source),
    ],
    mask: own ?? references.find((each) => each.isMask)?.source,
  }
}

const isMask = ({ referenceType }: ImagenReference): boolean => referenceType === 'REFERENCE_TYPE_MASK'

const withoutPicture = (reference: ImagenReference, place: string): ReturnType<typeof unknownParameter> => {
  const param = `instances[0].${place}.referenceImage`
  return isMask(reference)
    ? invalidParameter(param, 'This gateway finds no mask by itself. Send one, white over the area to edit.')
    : invalidParameter(param, "Send the picture in 'bytesBase64Encoded'.")
}
