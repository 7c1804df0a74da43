import type { Failure, WordedFailure } from './errors'
import { fineReasonOf, numberKindOf } from './fine-reason'
import type { Place, Reason, Refusal } from './refusal'
import { homeOf, OPENAI_IMAGES, parameterOf, type Vocabulary } from './vocabulary'

/*
 * The sentences of refusals are those of OpenAI's Images API, as measured (protocols §1.7): clients read them already.
 * Each dialect fills in its own parameters and values.
 */

/** A failure in the words of a dialect, by default in those of OpenAI's Images API. */
export function failureInWords(failure: Failure, vocabulary: Vocabulary = OPENAI_IMAGES): WordedFailure {
  if ('message' in failure) return failure
  const { refusal, ...rest } = failure
  const reason = fineReasonOf(refusal)
  return {
    ...rest,
    message: sentenceOf(refusal, vocabulary),
    ...(refusal.field === undefined ? {} : { param: parameterOf(refusal.field, vocabulary) }),
    ...(reason === undefined ? {} : { reason }),
  }
}

type Refused<R extends Reason> = Extract<Refusal, { reason: R }>

/** The sentence of a refusal; the first group is about a parameter that stands alone. */
function sentenceOf(refusal: Refusal, vocabulary: Vocabulary): string {
  const param = refusal.field === undefined ? '' : parameterOf(refusal.field, vocabulary)
  switch (refusal.reason) {
    case 'missing':
      return `Missing required parameter: '${param}'.`
    case 'unknown_parameter':
      return `Unknown parameter: '${shortened(param)}'.${adviceOn(refusal, param, vocabulary)}`
    case 'no_effect':
      return `'${param}' has no effect on an image. Leave it out.`
    case 'invalid_type':
      return `Invalid type for '${param}': expected ${refusal.expected}, but got ${refusal.given} instead.`
    case 'invalid_value':
      return unsupportedValue(refusal.field, refusal.given, refusal.allowed, vocabulary)
    case 'below_minimum': {
      const { given, minimum } = refusal
      return `Invalid '${param}': ${numberKindOf(given)} below minimum value. Expected a value >= ${minimum}, but got ${given} instead.`
    }
    case 'above_maximum': {
      const { given, maximum } = refusal
      return `Invalid '${param}': ${numberKindOf(given)} above maximum value. Expected a value <= ${maximum}, but got ${given} instead.`
    }
    case 'empty':
      return `Invalid '${param}': empty ${refusal.kind}. Expected at least one ${refusal.kind === 'array' ? 'element' : 'character'}.`
    case 'too_long':
      return `Invalid '${param}': ${refusal.kind} too long.${atMost(refusal.maximum)}`
    case 'malformed':
      return `Invalid value for '${param}'. ${refusal.expected}`
    case 'partials_without_stream':
      return 'Partial images come in a stream. Set stream to true, or leave them out.'
    case 'unsupported_content_type':
      return `Unsupported content type: '${shortened(refusal.given)}'. Send ${vocabulary.contentTypes}.`
    default:
      return ofImages(refusal, vocabulary)
  }
}

/** The hint on an unknown parameter, or its place in this dialect. */
function adviceOn({ hint, field }: Refused<'unknown_parameter'>, param: string, vocabulary: Vocabulary): string {
  if (hint !== undefined) return ` ${hint}`
  const home = typeof field === 'object' && 'param' in field ? homeOf(param, vocabulary) : undefined
  return home === undefined ? '' : ` Here it belongs in '${home}'.`
}

const atMost = (maximum: number | undefined): string =>
  maximum === undefined ? '' : ` Expected a maximum length of ${maximum}.`

type OfImages = Refused<
  | 'invalid_image'
  | 'unreadable_image'
  | 'image_too_large'
  | 'image_too_large_for_model'
  | 'too_many_images'
  | 'unusable_mask'
>

/** Refusals of a picture, or of the number of pictures. */
function ofImages(refusal: OfImages | OfModel | OfAbility, vocabulary: Vocabulary): string {
  switch (refusal.reason) {
    case 'invalid_image':
      return `Invalid image file or mode for ${refusal.position === undefined ? `'${parameterOf(refusal.field, vocabulary)}'` : `image ${refusal.position}`}, please check your image file.${refusal.why ? ` ${refusal.why}` : ''}`
    case 'unreadable_image':
      return `The image at '${parameterOf(refusal.field, vocabulary)}' could not be read: ${refusal.why}. ${vocabulary.sendImage}`
    case 'image_too_large':
      return `An image is larger than ${refusal.maximumBytes} bytes. Send a smaller one, or send images as URLs.`
    case 'image_too_large_for_model':
      return `Invalid '${parameterOf(refusal.field, vocabulary)}': this model takes a picture of at most ${refusal.maximumBytes / 1024} KiB there.`
    case 'too_many_images':
      return refusal.maximum === 0
        ? 'This model takes no input images.'
        : `This model takes at most ${refusal.maximum} input images.`
    case 'unusable_mask':
      return `The mask cannot be used: ${refusal.why}. Send a PNG with an alpha channel of 0 where the picture is to be edited.`
    default:
      return ofModel(refusal, vocabulary)
  }
}

type OfModel = Refused<
  'unknown_model' | 'model_not_allowed' | 'model_without_price' | 'unpriced_parameter' | 'upstream'
>

/** Refusals of the model or by the upstream. */
function ofModel(refusal: OfModel | OfAbility, vocabulary: Vocabulary): string {
  switch (refusal.reason) {
    case 'unknown_model':
      return `The model '${shortened(refusal.given)}' does not exist.`
    case 'model_not_allowed':
      return `Your key may not use the model '${refusal.given}'. Ask for another, or have the operator of this gateway allow it.`
    case 'model_without_price':
      return 'No price is known for this model, so that it cannot be held to your budget. Ask for another model, or have its price added to the settings.'
    case 'unpriced_parameter':
      return `Your key has a budget or limits on images, and the price of '${parameterOf(refusal.field, vocabulary)}' is not known here. Leave it out.`
    case 'upstream': {
      const { words, field } = refusal
      if (field === undefined) return words
      // The upstream quotes OpenAI's parameter.
      return words.replaceAll(`'${parameterOf(field, OPENAI_IMAGES)}'`, `'${parameterOf(field, vocabulary)}'`)
    }
    default:
      return ofAbility(refusal, vocabulary)
  }
}

type OfAbility = Refused<
  | 'invalid_size'
  | 'no_choice_of_size'
  | 'no_transparency'
  | 'opaque_format'
  | 'one_at_a_time'
  | 'no_compression'
  | 'no_input_fidelity'
  | 'mask_and_markup'
>

/** Refusals of a picture that the model does not make. */
function ofAbility(refusal: OfAbility, vocabulary: Vocabulary): string {
  const { parameters, size, value } = vocabulary
  const param = parameterOf(refusal.field, vocabulary)
  switch (refusal.reason) {
    case 'invalid_size':
      return `Invalid size '${refusal.given}'. ${size.fault(refusal.fault)}`
    case 'no_choice_of_size':
      return size.noChoice(refusal.given, param)
    case 'no_transparency':
      return 'Transparent background is not supported for this model.'
    case 'opaque_format': {
      const instead = refusal.instead.map((format) => value('format', format)).join(' or ')
      const advice = parameters.format ? `Set ${parameters.format} to ${instead}.` : 'Ask for another background.'
      return `A ${refusal.given} cannot be transparent. ${advice}`
    }
    case 'one_at_a_time':
      return `This model makes one ${refusal.given} at a time. Set '${param}' to 1${orAnother(parameters.format)}.`
    case 'no_compression': {
      const formats = refusal.instead.map((format) => value('format', format)).join(' and ')
      const advice = parameters.format ? `, or set '${parameters.format}' to one of them` : ''
      return `'${param}' is only for ${formats}. Leave it out${advice}.`
    }
    case 'no_input_fidelity':
      return `This model does not support the '${param}' parameter. Leave it out.`
    case 'mask_and_markup':
      return `Send either '${parameterOf('mask', vocabulary)}' or '${param}', not both.`
    default:
      return refusal satisfies never
  }
}

const orAnother = (parameter: string | undefined): string => (parameter ? `, or '${parameter}' to another` : '')

function unsupportedValue(field: Place, given: string, allowed: readonly string[], { value }: Vocabulary): string {
  const supported = listInWords(allowed.map((each) => value(field, each)))
  return `Invalid value: '${shortened(value(field, given))}'. Supported values are: ${supported}.`
}

const MAX_SHOWN = 100

/** A value of the client, cut after 100 characters. */
const shortened = (given: string): string => (given.length > MAX_SHOWN ? `${given.slice(0, MAX_SHOWN)}…` : given)

/** `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`: the serial comma comes with the third, as measured. */
function listInWords(values: readonly string[]): string {
  const quoted = values.map((value) => `'${value}'`)
  const last = quoted.pop() ?? ''
  if (quoted.length === 0) return last
  return `${quoted.join(', ')}${quoted.length > 1 ? ',' : ''} and ${last}`
}
