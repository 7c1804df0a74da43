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

/** One entry of MODELS, as README.md describes it: what is said replaces what is known. */
export const modelSetting = z.strictObject({
  /** A built-in model whose everything is the base of this one. */
  like: z.string().refine(isBuiltIn, 'is no model of the catalogue').exactOptional(),
  sizes: sizes.exactOptional(),
  qualities: words.exactOptional(),
  backgrounds: words.exactOptional(),
  formats: words.exactOptional(),
  moderations: words.exactOptional(),
  prices: pricesSetting.exactOptional(),
  shutdown: z.strictObject({ date: z.iso.date(), successor: z.string().min(1) }).exactOptional(),
})
export type ModelSetting = z.infer<typeof modelSetting>
