import * as z from 'zod'
import { checked } from '../../failures/checked'
import type { Adjustment } from '../../catalog/fit'
import { unknownParameter } from '../../failures/parameters'
import { camelCaseFields } from '../google/names'
import { aspectRatio, imageSize } from '../google/shape'
import { isObject } from '../json-body'
import { asksForSomething } from '../idle-adjustments'

/** The API takes a single item in place of a list. */
const orOne = <List extends z.ZodType>(list: List): z.ZodPreprocess<List> =>
  z.preprocess((given) => (isObject(given) ? [given] : given), list)

/** The API ignores the case of enums. */
const upperCase = (given: unknown): unknown => (typeof given === 'string' ? given.toUpperCase() : given)

const optionalWord = z.string().nullish()

/** A text of the conversation; another model cannot use the signature of a thought. */
const textPart = z.strictObject({ text: optionalWord, thought: z.boolean().nullish(), thoughtSignature: optionalWord })

const contentPart = textPart.extend({
  inlineData: z.strictObject({ data: z.string(), mimeType: optionalWord, displayName: optionalWord }).nullish(),
  fileData: z.strictObject({ fileUri: z.string(), mimeType: optionalWord, displayName: optionalWord }).nullish(),
})
export type ContentPart = z.infer<typeof contentPart>

const imageFormat = z.strictObject({
  aspectRatio,
  imageSize,
  mimeType: z.enum(['image/png', 'image/jpeg', 'image/webp']).nullish(),
  delivery: z.preprocess(upperCase, z.enum(['INLINE', 'URI']).nullish()),
})

const geminiFields = z.strictObject({
  model: optionalWord,
  contents: orOne(
    z
      .array(
        z.strictObject({ role: z.enum(['user', 'model']).nullish(), parts: orOne(z.array(contentPart).nullish()) }),
      )
      .min(1),
  ),
  systemInstruction: z.strictObject({ role: optionalWord, parts: orOne(z.array(textPart).nullish()) }).nullish(),
  generationConfig: z
    .strictObject({
      candidateCount: z.int().min(1).max(8).nullish(),
      seed: z.int().nullish(),
      responseModalities: z.array(z.preprocess(upperCase, z.enum(['TEXT', 'IMAGE']))).nullish(),
      responseMimeType: z.literal('text/plain').nullish(),
      imageConfig: z.strictObject({ aspectRatio, imageSize }).nullish(),
      responseFormat: orOne(
        z
          .array(z.strictObject({ image: imageFormat }))
          .max(1)
          .nullish(),
      ),
    })
    .nullish(),
})
export type GeminiFields = z.infer<typeof geminiFields>

/** Fields without effect on an image, which clients send by habit: at the top and in `generationConfig`. */
const IDLE_FIELDS = ['safetySettings', 'tools', 'toolConfig', 'serviceTier', 'labels']
const IDLE_CONFIG_FIELDS = [
  'temperature',
  'topP',
  'topK',
  'maxOutputTokens',
  'stopSequences',
  'presencePenalty',
  'frequencyPenalty',
  'mediaResolution',
  'thinkingConfig',
]

/** Reads the fields of a body and reports those without effect. Throws GatewayError. */
export function readFields(given: Record<string, unknown>): { fields: GeminiFields; adjustments: Adjustment[] } {
  const body = camelCaseFields(given, IDLE_FIELDS)
  const config = isObject(body['generationConfig']) ? body['generationConfig'] : {}
  const adjustments = [
    ...removeIdle(body, IDLE_FIELDS, ''),
    ...removeIdle(config, IDLE_CONFIG_FIELDS, 'generationConfig.'),
  ]
  return { fields: checked(geminiFields, body), adjustments }
}

/** Takes out fields without effect and reports those that ask for something. */
function removeIdle(from: Record<string, unknown>, names: readonly string[], path: string): Adjustment[] {
  const present = names.filter((name) => name in from)
  const asked = present.filter((name) => asksForSomething(from[name]))
  for (const name of present) delete from[name]
  return asked.map((name) => ({ note: name, refusal: unknownParameter(path + name) }))
}
