import { mediaTypeInWords, USUAL_INPUT_TYPES } from '../image/input-kind'
import { failed, type Failure, ok, type Result } from '../failures/errors'
import { DEFAULTS, MAX_INPUTS, type ImageRequestOf, type InputImage } from '../image/request'
import { fitSize, isLargest, isWithin } from './fit-size'
import type { Model } from './model'
import { pixelsOf } from './sizes'
import type { Field } from '../failures/refusal'
import { refusing } from '../failures/refuse'

/** A difference between the request and the fitted request. */
export interface Adjustment {
  /** The text in `x-adjusted`: `size=1080x1080>1088x1088`, or the bare name of a dropped parameter. */
  note: string
  /** The answer to a client that sends X-Strict and wants no adjustments. */
  refusal: Failure
  /** Set for a model that replaces a retired one. */
  isStandIn?: true
}

/** A request as the upstream gets it, and its differences from the client's. */
export interface Fitted<Input = InputImage> {
  request: ImageRequestOf<Input>
  adjustments: Adjustment[]
}

/** The facts beside a request and its model that decide a fit. */
interface FitFacts {
  /** Whether the gateway can crop a finished picture. */
  canCrop: boolean
  /** Whether the model replaces a retired one. */
  isStandIn: boolean
}

/** Fits one aspect of a request to a model. */
type FitStep = <Input>(
  request: ImageRequestOf<Input>,
  model: Model,
  facts: FitFacts,
) => Result<{ request: ImageRequestOf<Input>; adjustment?: Adjustment }>

/** Fits a request to a model. Refuses the impossible, adapts the rest, and adds to the earlier adjustments. */
export function fit<Input>(
  { request, adjustments }: Fitted<Input>,
  model: Model,
  { canCrop }: Pick<FitFacts, 'canCrop'>,
): Result<Fitted<Input>> {
  const fitted = { request, adjustments: [...adjustments] }
  const facts = { canCrop, isStandIn: adjustments.some(({ isStandIn }) => isStandIn) }
  for (const step of [
    refuseImpossible,
    adaptFidelity,
    adaptSize,
    adaptQuality,
    adaptFormat,
    adaptStyle,
    adaptCompression,
  ]) {
    const result = step(fitted.request, model, facts)
    if (!result.ok) return result
    fitted.request = result.value.request
    if (result.value.adjustment) fitted.adjustments.push(result.value.adjustment)
  }
  return ok(fitted)
}

/**
 * An unsupported size in pixels is cropped out of a larger supported one. A size beyond the largest supported one is
 * scaled up from that.
 */
const adaptSize: FitStep = ({ crop, ...request }, { sizes }, { canCrop }) => {
  const fitting = fitSize(request, sizes, canCrop)
  if (!('size' in fitting)) return failed(fitting.refusal)
  const { size, refusal } = fitting
  const adjustment = refusal && { note: `size=${request.size}>${size}`, refusal }
  const wanted = crop ?? (canCrop && size !== request.size ? request.size : undefined)
  const isResized =
    wanted !== undefined && pixelsOf(wanted) && pixelsOf(size) && (isWithin(wanted, size) || isLargest(size, sizes))
  return ok({ request: { ...request, size, ...(isResized && { crop: wanted }) }, ...(adjustment && { adjustment }) })
}

/** The qualities of the dall-e models. Clients of relays still send them (protocols §7.5, §7.6). */
const OLD_QUALITIES = new Map([
  ['standard', 'medium'],
  ['hd', 'high'],
])

const adaptQuality: FitStep = (request, { qualities }) => {
  if (!qualities || [DEFAULTS.quality, ...qualities].includes(request.quality)) return ok({ request })
  const refusal = unsupportedBy('quality', request.quality, qualities)
  // With a single quality the client has no choice.
  const quality = qualities.length === 1 ? qualities[0] : OLD_QUALITIES.get(request.quality)
  if (!quality || !qualities.includes(quality)) return failed(refusal)
  return ok({
    request: { ...request, quality },
    adjustment: { note: `quality=${request.quality}>${quality}`, refusal },
  })
}

/** Formats with smaller files under `output_compression` (protocols §1.1). */
const COMPRESSED = ['jpeg', 'webp']

/**
 * Whether a model uses its first format in place of the requested one, which it lacks. The default is a choice of no
 * client; a retired model's clients know nothing of its stand-in.
 */
const usesOwnFormat = (
  { format }: ImageRequestOf<unknown>,
  { formats }: Model,
  { isStandIn }: Pick<FitFacts, 'isStandIn'>,
): boolean =>
  formats?.includes(format) === false && (format === DEFAULTS.format || (isStandIn && COMPRESSED.includes(format)))

const adaptFormat: FitStep = (request, model, facts) => {
  const { formats = [] } = model
  const [format = request.format] = formats
  if (!usesOwnFormat(request, model, facts)) return ok({ request })
  const refusal = unsupportedBy('format', request.format, formats)
  return ok({
    request: { ...request, format },
    adjustment: { note: `output_format=${request.format}>${format}`, refusal },
  })
}

/**
 * `low` is the default of the models with the parameter (protocols §1.3), so it is dropped. A stand-in without the
 * parameter always works at high fidelity (protocols §0), so its value is dropped too.
 */
const adaptFidelity: FitStep = ({ inputFidelity, ...rest }, { inputFidelities }, { isStandIn }) => {
  if (inputFidelity === undefined) return ok({ request: rest })
  if (!inputFidelities) return ok({ request: { ...rest, inputFidelity } })
  if (!inputFidelities.includes(inputFidelity)) {
    const refusal = fidelityRefusal(inputFidelity, inputFidelities)
    const isIdle = isStandIn && inputFidelities.length === 0
    return isIdle ? ok({ request: rest, adjustment: { note: 'input_fidelity', refusal } }) : failed(refusal)
  }
  return ok({ request: inputFidelity === 'low' ? rest : { ...rest, inputFidelity } })
}

/** The styles of dall-e-3. Some clients always send one (protocols §7.5). */
const OLD_STYLES = ['vivid', 'natural']

const adaptStyle: FitStep = ({ style, ...request }, { style: styles }) => {
  if (style === undefined) return ok({ request })
  const isOld = OLD_STYLES.includes(style)
  const known = knownStyle(style, styles, isOld)
  if (known !== undefined) return ok({ request: { ...request, style: known } })
  const refusal = typeof styles === 'object' ? unsupportedBy('style', style, styles) : unknown('style')
  return isOld ? ok({ request, adjustment: { note: 'style', refusal } }) : failed(refusal)
}

/** The style in the spelling of the model's API, regardless of case. Undefined for an unknown style. */
function knownStyle(style: string, styles: Model['style'], isOld: boolean): string | undefined {
  if (styles === undefined) return style
  if (typeof styles === 'object') return styles.find((each) => each.toLowerCase() === style.toLowerCase())
  return styles && !isOld ? style : undefined
}

const adaptCompression: FitStep = (request, { compression }) => {
  const can = compression !== false && COMPRESSED.includes(request.format)
  if (can || request.compression === DEFAULTS.compression) return ok({ request })
  const refusal =
    compression === false
      ? unknown('compression')
      : refusing({ reason: 'no_compression', field: 'compression', instead: COMPRESSED })
  const adjustment = { note: 'output_compression', refusal }
  return ok({ request: { ...request, compression: DEFAULTS.compression }, adjustment })
}

/** Refuses abilities that the model lacks and that cannot be replaced. */
const refuseImpossible: FitStep = (request, model, facts) => {
  const isAdaptable = usesOwnFormat(request, model, facts)
  const refusal = capabilityRefusal(isAdaptable ? { ...request, format: DEFAULTS.format } : request, model)
  return refusal ? failed(refusal) : ok({ request })
}

/** The refusal of an input picture that the model does not take. The type of one behind a URL is not known yet. */
function unusualInput(
  { images, mask, markup }: ImageRequestOf<unknown>,
  { inputTypes = [] }: Model,
): Failure | undefined {
  const takes = (type: string): boolean => USUAL_INPUT_TYPES.includes(type) || inputTypes.includes(type)
  const inputs = [
    ...images.map((input, at) => ({ input, place: { field: 'images', position: at + 1 } as const })),
    { input: mask, place: { field: 'mask' } as const },
    { input: markup, place: { field: 'markup' } as const },
  ]
  for (const { input, place } of inputs) {
    const type = mediaTypeOf(input)
    if (type === undefined || takes(type)) continue
    const why = `It is ${mediaTypeInWords(type)}, which this model does not take; send a PNG, JPEG or WebP.`
    return refusing({ reason: 'invalid_image', ...place, why })
  }
  return undefined
}

const mediaTypeOf = (input: unknown): string | undefined =>
  typeof input === 'object' && input !== null && 'mediaType' in input ? String(input.mediaType) : undefined

function capabilityRefusal(request: ImageRequestOf<unknown>, model: Model): Failure | undefined {
  const { background, format, moderation, extras } = request
  // Defaults are never refused.
  const listed = (field: Field, value: string, usual: string, supported?: readonly string[]): Failure | undefined =>
    value === usual || supported?.includes(value) !== false ? undefined : unsupportedBy(field, value, supported)
  const extra = Object.keys(extras).find((name) => model.extras?.includes(name) === false)
  if (extra) return refusing({ reason: 'unknown_parameter', field: { extra } })
  const { maxInputs = MAX_INPUTS } = model
  if (request.images.length > maxInputs)
    return refusing({ reason: 'too_many_images', field: 'images', maximum: maxInputs })
  const oddInput = unusualInput(request, model)
  if (oddInput) return oddInput
  if (request.mask && model.mask === false) return unknown('mask')
  if (request.markup && model.markup === false) return unknown('markup')
  if (request.markup && request.mask) return refusing({ reason: 'mask_and_markup', field: 'markup' })
  if (background === 'transparent' && model.backgrounds?.includes('transparent') === false)
    return refusing({ reason: 'no_transparency', field: 'background' })
  if (background === 'transparent' && format === 'jpeg') {
    return refusing({ reason: 'opaque_format', field: 'background', given: format, instead: ['png', 'webp'] })
  }
  return (
    listed('background', background, DEFAULTS.background, model.backgrounds) ??
    listed('format', format, DEFAULTS.format, model.formats) ??
    soleRefusal(request, model) ??
    listed('moderation', moderation, DEFAULTS.moderation, model.moderations)
  )
}

/** Refuses several pictures in a format that the model makes one by one. */
const soleRefusal = ({ n, format }: ImageRequestOf<unknown>, { soleFormats }: Model): Failure | undefined =>
  n > 1 && soleFormats?.includes(format) ? refusing({ reason: 'one_at_a_time', field: 'n', given: format }) : undefined

const fidelityRefusal = (given: string, supported: readonly string[]): Failure =>
  supported.length > 0
    ? unsupportedBy('inputFidelity', given, supported)
    : refusing({ reason: 'no_input_fidelity', field: 'inputFidelity' })

const unsupportedBy = (field: Field, given: string, allowed: readonly string[]): Failure =>
  refusing({ reason: 'invalid_value', field, given, allowed: [...allowed] })

const unknown = (field: Field): Failure => refusing({ reason: 'unknown_parameter', field })
