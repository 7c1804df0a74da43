import type { ErrorCode, Failure } from './errors'
import type { Reason, Refusal } from './refusal'

/** The code of each reason: `unsupported_parameter` depends on the model, `invalid_request` does not. */
const CODE_OF_REASON: Readonly<Record<Reason, ErrorCode>> = {
  missing: 'invalid_request',
  unknown_parameter: 'invalid_request',
  no_effect: 'unsupported_parameter',
  invalid_type: 'invalid_request',
  invalid_value: 'invalid_request',
  below_minimum: 'invalid_request',
  above_maximum: 'invalid_request',
  empty: 'invalid_request',
  too_long: 'invalid_request',
  malformed: 'invalid_request',
  partials_without_stream: 'invalid_request',
  unsupported_content_type: 'invalid_request',
  unknown_model: 'unsupported_parameter',
  model_not_allowed: 'forbidden_model',
  model_without_price: 'forbidden_model',
  unpriced_parameter: 'invalid_request',
  invalid_size: 'unsupported_parameter',
  no_choice_of_size: 'invalid_request',
  no_transparency: 'unsupported_parameter',
  opaque_format: 'invalid_request',
  one_at_a_time: 'invalid_request',
  no_compression: 'invalid_request',
  no_input_fidelity: 'invalid_request',
  mask_and_markup: 'invalid_request',
  too_many_images: 'unsupported_parameter',
  invalid_image: 'invalid_request',
  unreadable_image: 'invalid_request',
  image_too_large: 'too_large',
  image_too_large_for_model: 'invalid_request',
  unusable_mask: 'invalid_request',
  upstream: 'invalid_request',
}

/** The failure of a request that is refused for a reason. */
export const refusing = (refusal: Refusal): Failure => ({
  code: CODE_OF_REASON[refusal.reason],
  refusal,
  // Operators change what a key may use; a retry does not.
  ...(CODE_OF_REASON[refusal.reason] === 'forbidden_model' ? { retry: false } : {}),
})
