import * as z from 'zod'
import { checked } from '../../refusals/checked'
import type { Adjustment } from '../../catalog/fit'
import { invalidParameter, unknownParameter } from '../../refusals/parameters'
import { GatewayError } from '../../runtime/errors'
import { aspectRatio, imageSize } from './shape'
import { isObject } from '../json-body'
import { asksForSomething } from '../without-effect'

/** The API takes a single item in place of a list. */
const orOne = <List extends z.ZodType>(list: List): z.ZodPreprocess<List> =>
  z.preprocess((given) => (isObject(given) ? [given] : given), list)

/** The API ignores the case of enums. */
const upper = (given: unknown): unknown => (typeof given === 'string' ? given.toUpperCase() : given)

const word = z.string().nullish()

/** A text of the conversation; another model cannot use the signature of a thought. */
const spoken = z.strictObject({ text: word, thought: z.boolean().nullish(), thoughtSignature: word })

const part = spoken.extend({
  inlineData: z.strictObject({ data: z.string(), mimeType: word, displayName: word }).nullish(),
  fileData: z.strictObject({ fileUri: z.string(), mimeType: word, displayName: word }).nullish(),
})
export type ContentPart = z.infer<typeof part>

const imageFormat = z.strictObject({
  aspectRatio,
  imageSize,
  mimeType: z.enum(['image/png', 'image/jpeg', 'image/webp']).nullish(),
  delivery: z.preprocess(upper, z.enum(['INLINE', 'URI']).nullish()),
})

const fields = z.strictObject({
  model: word,
  contents: orOne(
    z
      .array(z.strictObject({ role: z.enum(['user', 'model']).nullish(), parts: orOne(z.array(part).nullish()) }))
      .min(1),
  ),
  systemInstruction: z.strictObject({ role: word, parts: orOne(z.array(spoken).nullish()) }).nullish(),
  generationConfig: z
    .strictObject({
      candidateCount: z.int().min(1).max(8).nullish(),
      seed: z.int().nullish(),
      responseModalities: z.array(z.preprocess(upper, z.enum(['TEXT', 'IMAGE']))).nullish(),
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
export type GeminiFields = z.infer<typeof fields>

/** Fields without effect on an image, which clients send by habit: at the top and in `generationConfig`. */
const UNHEEDED = ['safetySettings', 'tools', 'toolConfig', 'serviceTier', 'labels']
const UNHEEDED_IN_CONFIG = [
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
export function fieldsOf(given: Record<string, unknown>): { fields: GeminiFields; adjustments: Adjustment[] } {
  const body = inCamelCase(given, '')
  const config = isObject(body['generationConfig']) ? body['generationConfig'] : {}
  const adjustments = [...leftOut(body, UNHEEDED, ''), ...leftOut(config, UNHEEDED_IN_CONFIG, 'generationConfig.')]
  return { fields: checked(fields, body), adjustments }
}

/** Takes out fields without effect and reports those that ask for something. */
function leftOut(from: Record<string, unknown>, names: readonly string[], path: string): Adjustment[] {
  const present = names.filter((name) => name in from)
  const asked = present.filter((name) => asksForSomething(from[name]))
  for (const name of present) delete from[name]
  return asked.map((name) => ({ note: name, refusal: unknownParameter(path + name) }))
}

/**
 * The fields by the names of the API's JSON; the API also takes protobuf's names with underscores (protocols §3.2).
 * Fields without effect may hold names of the client's own.
 */
function inCamelCase(fields: Record<string, unknown>, path: string): Record<string, unknown> {
  const named = new Map<string, unknown>()
  for (const [given, value] of Object.entries(fields)) {
    const name = given.replaceAll(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (named.has(name))
      throw new GatewayError(invalidParameter(path + name, `Send '${path}${name}' once, by one name.`))
    named.set(name, UNHEEDED.includes(name) ? value : within(value, `${path}${name}`))
  }
  return Object.fromEntries(named)
}

function within(value: unknown, path: string): unknown {
  if (Array.isArray(value)) return value.map((item, at) => within(item, `${path}[${at}]`))
  return isObject(value) ? inCamelCase(value, `${path}.`) : value
}
