import type { Adjustment } from '../../catalog/fit'
import { invalidType, unknownParameter } from '../../failures/parameters'
import { adoptVendorWords } from './vendor-words'

type LegacyFields = Record<string, unknown>

/** Today's name for each parameter of relays' clients, and of other makers' APIs (protocols §6, §7.6). */
const MODERN_NAMES: Record<string, string> = {
  format: 'output_format',
  compression: 'output_compression',
  effort: 'quality',
  transparency: 'background',
  guidance_scale: 'guidance',
  num_inference_steps: 'steps',
}

/** Whether a parameter is one of relays' clients. */
export const isLegacyName = (name: string): boolean => Object.hasOwn(MODERN_NAMES, name)

/** The prompt of an edit that stands for a variation. */
export const VARIATION_PROMPT = 'Make a variation of this image: the same subject and style, composed anew.'

/** Renames the parameters of relays' clients and reports the changes. */
export function modernizeParameters(given: LegacyFields): { fields: LegacyFields; adjustments: Adjustment[] } {
  const fields = { ...given }
  if (isNoImage(fields['image'])) delete fields['image']
  const adjustments: Adjustment[] = []
  for (const [old, name] of Object.entries(MODERN_NAMES)) {
    if (!(old in given)) continue
    delete fields[old]
    const superseded = fields[name] !== undefined && fields[name] !== null
    if (!superseded) fields[name] = modernValue(old, given[old])
    adjustments.push({ note: superseded ? old : `${old}>${name}`, refusal: unknownParameter(old) })
  }
  if (typeof fields['n'] === 'string' && /^\d{1,9}$/.test(fields['n'])) {
    adjustments.push({
      note: `n="${fields['n']}">${Number(fields['n'])}`,
      refusal: invalidType('n', 'an integer', 'a string'),
    })
    fields['n'] = Number(fields['n'])
  }
  return { fields, adjustments: [...adjustments, ...adoptVendorWords(fields)] }
}

/** Values of clients without an image. */
const isNoImage = (image: unknown): boolean => image === null || (Array.isArray(image) && image.length === 0)

function modernValue(old: string, value: unknown): unknown {
  if (old === 'compression' && typeof value === 'string' && /^\d{1,3}$/.test(value)) return Number(value)
  if (old !== 'transparency') return value
  if (value === true || value === 'true') return 'transparent'
  return value === false || value === 'false' ? 'opaque' : value
}

/** Pictures in `image`, as relays take them in a JSON body, are those of an edit. */
export function imagesOfRelays({ image, ...fields }: LegacyFields): {
  fields: LegacyFields
  adjustments: Adjustment[]
} {
  const images = (Array.isArray(image) ? image : [image]).map((each: unknown) => ({ image_url: each }))
  return { fields: { ...fields, images }, adjustments: [{ note: 'image>images', refusal: IMAGE_IN_JSON }] }
}

const IMAGE_IN_JSON = unknownParameter('image', "For application/json requests, use 'images' (array).")

/** A variation becomes an edit: the API's variations ended with dall-e-2 (protocols §1.4). */
export function variationAsEdit(fields: LegacyFields): { fields: LegacyFields; adjustments: Adjustment[] } {
  const message = 'Image variations were shut down with dall-e-2. Send the image to /v1/images/edits with a prompt.'
  return {
    fields: { model: 'dall-e-2', prompt: VARIATION_PROMPT, ...fields },
    adjustments: [{ note: 'variation>edit', refusal: { code: 'not_found', message } }],
  }
}
