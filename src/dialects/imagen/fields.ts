import * as z from 'zod'
import type { Adjustment } from '../../catalog/fit'
import { checked } from '../../failures/checked'
import { invalidParameter, unknownParameter } from '../../failures/parameters'
import { GatewayError } from '../../failures/errors'
import { camelCaseFields } from '../google/names'
import { aspectRatio } from '../google/shape'
import { asksForSomething } from '../idle-adjustments'
import { isObject } from '../json-body'
import { MAX_PROMPT, promptText, shortValue } from '../request-limits'

const NO_CLOUD_STORAGE = "This gateway reads nothing from Cloud Storage. Send the picture in 'bytesBase64Encoded'."

const picture = z.strictObject({
  bytesBase64Encoded: z.string({ error: NO_CLOUD_STORAGE }),
  mimeType: shortValue.nullish(),
})

/** A picture of an edit. The settings of its kind are words for Imagen alone. */
const reference = z.strictObject({
  referenceType: z.enum([
    'REFERENCE_TYPE_RAW',
    'REFERENCE_TYPE_MASK',
    'REFERENCE_TYPE_CONTROL',
    'REFERENCE_TYPE_STYLE',
    'REFERENCE_TYPE_SUBJECT',
    'REFERENCE_TYPE_CONTENT',
  ]),
  referenceId: z.int().nullish(),
  referenceImage: picture.nullish(),
  maskImageConfig: z.looseObject({}).nullish(),
  controlImageConfig: z.looseObject({}).nullish(),
  styleImageConfig: z.looseObject({}).nullish(),
  subjectImageConfig: z.looseObject({}).nullish(),
})

const imagenFields = z.strictObject({
  instances: z
    .array(
      z.strictObject({
        prompt: promptText,
        image: picture.nullish(),
        mask: z.strictObject({ image: picture }).nullish(),
        referenceImages: z.array(reference).nullish(),
      }),
    )
    .length(1, 'Send one instance, and the number of pictures in parameters.sampleCount.'),
  parameters: z
    .strictObject({
      sampleCount: z.int().min(1).max(8).nullish(),
      aspectRatio,
      sampleImageSize: z.enum(['1K', '2K', '4K']).nullish(),
      imageSize: z.enum(['1K', '2K', '4K']).nullish(),
      negativePrompt: z.string().max(MAX_PROMPT).nullish(),
      seed: z.int().nullish(),
      guidanceScale: z.number().nullish(),
      includeRaiReason: z.boolean().nullish(),
      outputOptions: z
        .strictObject({
          mimeType: z.enum(['image/png', 'image/jpeg', 'image/webp']).nullish(),
          compressionQuality: z.int().min(0).max(100).nullish(),
        })
        .nullish(),
    })
    .nullish(),
})
export type ImagenFields = z.infer<typeof imagenFields>
export type ImagenReference = z.infer<typeof reference>

/** Parameters without effect on a picture here, with the defaults of the API. */
const IDLE_PARAMETERS: Readonly<Record<string, unknown>> = {
  addWatermark: true,
  editConfig: null,
  editMode: null,
  enhancePrompt: true,
  includeSafetyAttributes: false,
  language: 'auto',
  personGeneration: null,
  safetySetting: null,
}

/** Parameters that ask for more than a picture, with the way to ask here. */
const UNSUPPORTED_PARAMETERS = new Map([
  ['storageUri', 'Leave it out: the picture comes in the answer.'],
  ['upscaleConfig', "This gateway enlarges no pictures. Ask for a picture with a larger 'sampleImageSize'."],
])

/** Reads the fields of a body and reports those without effect. Throws GatewayError. */
export function readImagenFields(given: Record<string, unknown>): { fields: ImagenFields; adjustments: Adjustment[] } {
  const { labels: _, ...body } = camelCaseFields(given, ['labels'])
  const { parameters } = body
  if (!isObject(parameters)) return { fields: checked(imagenFields, body), adjustments: [] }
  const adjustments: Adjustment[] = []
  const used = Object.entries(parameters).filter(([name, value]) => {
    const hint = UNSUPPORTED_PARAMETERS.get(name)
    if (hint !== undefined && asksForSomething(value)) throw new GatewayError(unsupported(name, hint))
    if (!Object.hasOwn(IDLE_PARAMETERS, name)) return true
    if (asksForSomething(value, IDLE_PARAMETERS[name]))
      adjustments.push({ note: name, refusal: unknownParameter(`parameters.${name}`) })
    return false
  })
  return { fields: checked(imagenFields, { ...body, parameters: Object.fromEntries(used) }), adjustments }
}

const unsupported = (name: string, hint: string): ReturnType<typeof invalidParameter> =>
  invalidParameter(`parameters.${name}`, hint)
