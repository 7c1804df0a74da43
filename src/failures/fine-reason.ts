import type { Reason, Refusal } from './refusal'

/** Reasons that depend on nothing else; null if the code of the failure says all. */
const FIXED_REASONS = {
  missing: 'missing_required_parameter',
  no_effect: 'unsupported_parameter',
  invalid_type: 'invalid_type',
  invalid_value: 'invalid_value',
  malformed: 'invalid_value',
  partials_without_stream: 'invalid_value',
  unsupported_content_type: 'unsupported_content_type',
  unknown_model: 'invalid_value',
  model_not_allowed: null,
  model_without_price: null,
  unpriced_parameter: 'invalid_value',
  invalid_size: 'invalid_value',
  no_choice_of_size: 'invalid_value',
  no_transparency: 'invalid_value',
  opaque_format: 'invalid_value',
  one_at_a_time: 'invalid_value',
  no_compression: 'invalid_value',
  no_input_fidelity: 'invalid_input_fidelity_model',
  mask_and_markup: 'invalid_value',
  too_many_images: 'array_above_max_length',
  invalid_image: 'invalid_image_file',
  unreadable_image: 'invalid_image_url',
  image_too_large: null,
  image_too_large_for_model: 'invalid_value',
  unusable_mask: 'invalid_image_file',
} as const satisfies Partial<Record<Reason, string | null>>

/** The reason in OpenAI's vocabulary (protocols §1.7); undefined if the code of the failure says all. */
export function fineReasonOf(refusal: Refusal): string | undefined {
  switch (refusal.reason) {
    case 'unknown_parameter':
      return refusal.hint ? 'invalid_value' : 'unknown_parameter'
    case 'below_minimum':
      return `${numberKindOf(refusal.given)}_below_min_value`
    case 'above_maximum':
      return `${numberKindOf(refusal.given)}_above_max_value`
    case 'empty':
      return `empty_${refusal.kind}`
    case 'too_long':
      return `${refusal.kind}_above_max_length`
    case 'upstream':
      return refusal.code
    default:
      return FIXED_REASONS[refusal.reason] ?? undefined
  }
}

export const numberKindOf = (value: number): string => (Number.isInteger(value) ? 'integer' : 'decimal')
