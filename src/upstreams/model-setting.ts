import * as z from 'zod'
import { isBuiltIn } from './built-in'
import { pricesSetting } from '../catalog/prices'
import type { Sizes } from '../catalog/sizes'

const words = z.array(z.string().min(1)).min(1)

const WORDING = 'sizes are "any" or a list such as ["1024x1024", "1536x1024"]'
const size = z.string().regex(/^[1-9]\d{0,5}x[1-9]\d{0,5}$/, WORDING)
const sizes = z
  .union([z.literal('any'), z.array(size).min(1)], { error: WORDING })
  .transform((given): Sizes => (given === 'any' ? { kind: 'unknown' } : { kind: 'listed', sizes: given }))

/** One entry of MODELS: each field replaces the known one. docs/settings.md shows the descriptions. */
export const modelSetting = z.strictObject({
  like: z
    .string()
    .refine(isBuiltIn, 'is no model of the catalogue')
    .exactOptional()
    .describe('a model of the catalogue; this one has all that it has, but for the fields below'),
  sizes: sizes.exactOptional().describe('sizes such as `"1024x1024"`, or `"any"`'),
  qualities: words.exactOptional().describe('values of `quality`'),
  backgrounds: words.exactOptional().describe('values of `background`'),
  formats: words.exactOptional().describe('values of `output_format`'),
  moderations: words.exactOptional().describe('values of `moderation`'),
  prices: pricesSetting
    .exactOptional()
    .describe(
      '`text_in`, `image_in`, `text_out`, `image_out` in USD per million tokens; or `image` in USD, one number or a table',
    ),
  shutdown: z
    .strictObject({ date: z.iso.date(), successor: z.string().min(1) })
    .exactOptional()
    .describe('`date`, from which on the model `successor` stands in; answers warn of it before'),
})
export type ModelSetting = z.infer<typeof modelSetting>
