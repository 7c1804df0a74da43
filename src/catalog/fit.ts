import { type Failure, type Result, failed, ok } from '../errors'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { capabilities, type Model } from './models'
import { invalidValue, noTransparency, notTogether, unknownParameter } from './refusals'
import { fitSize } from './sizes'

/** Something that is not done as it was asked for. */
export interface Adjustment {
  /** As `x-adjusted` tells it: `size=1080x1080>1088x1088`, or the bare name of what was left out. */
  note: string
  /** What a caller who wants nothing adapted is told instead. */
  refusal: Failure
}

/** A request as it will be sent, and in what it differs from what was asked for. */
export interface Fitted {
  request: ImageRequest
  adjustments: Adjustment[]
}

/** One respect in which a request may have to give way to what its model can do. */
type Step = (request: ImageRequest, model: Model) => Result<{ request: ImageRequest; adjustment?: Adjustment }>

/**
 * Fits a request to what its model can do: refuses what has no counterpart, adapts the rest and adds that to what was
 * adapted before.
 */
export function fit({ request, adjustments }: Fitted): Result<Fitted> {
  const fitted = { request, adjustments: [...adjustments] }
  const model = capabilities(request.model)
  for (const step of [possible, sized, qualified, faithful, styled, compressed]) {
    const result = step(fitted.request, model)
    if (!result.ok) return result
    fitted.request = result.value.request
    if (result.value.adjustment) fitted.adjustments.push(result.value.adjustment)
  }
  return ok(fitted)
}

const sized: Step = (request, { sizes }) => {
  const fitting = fitSize(request.size, sizes)
  if (!('size' in fitting)) return failed(fitting.refusal)
  const { size, refusal } = fitting
  if (!refusal) return ok({ request })
  return ok({ request: { ...request, size }, adjustment: { note: `size=${request.size}>${size}`, refusal } })
}

/** The words of the dall-e models, which relays' clients still use (protocols §7.5, §7.6). */
const OLD_QUALITIES = new Map([
  ['standard', 'medium'],
  ['hd', 'high'],
])

const qualified: Step = (request, { qualities }) => {
  if (!qualities || qualities.includes(request.quality)) return ok({ request })
  const refusal = invalidValue('quality', request.quality, qualities)
  const quality = OLD_QUALITIES.get(request.quality)
  if (!quality) return failed(refusal)
  return ok({
    request: { ...request, quality },
    adjustment: { note: `quality=${request.quality}>${quality}`, refusal },
  })
}

/** `low` is what the models do that know the word (protocols §1.3), so that it says nothing. */
const faithful: Step = ({ inputFidelity, ...rest }, { inputFidelities }) => {
  const saysNothing = inputFidelity === undefined || (inputFidelities !== undefined && inputFidelity === 'low')
  return ok({ request: saysNothing ? rest : { ...rest, inputFidelity } })
}

const styled: Step = (request, model) => {
  const { style, ...rest } = request
  if (style === undefined || model.style !== false) return ok({ request })
  return ok({ request: rest, adjustment: { note: 'style', refusal: unknownParameter('style') } })
}

/** Formats whose files get smaller with `output_compression` (protocols §1.1). */
const COMPRESSED = ['jpeg', 'webp']

const compressed: Step = (request) => {
  if (request.compression === DEFAULTS.compression || COMPRESSED.includes(request.format)) return ok({ request })
  const message = "'output_compression' is only for jpeg and webp. Leave it out, or set 'output_format' to one of them."
  const adjustment = { note: 'output_compression', refusal: notTogether('output_compression', message) }
  return ok({ request: { ...request, compression: DEFAULTS.compression }, adjustment })
}

/** Refuses what the model cannot do and nothing can stand in for. */
const possible: Step = (request, model) => {
  const refusal = refusalOf(request, model)
  return refusal ? failed(refusal) : ok({ request })
}

function refusalOf(request: ImageRequest, model: Model): Failure | undefined {
  const { background, format, moderation, extras } = request
  const listed = ([param, value, supported]: [string, string, readonly string[] | undefined]): Failure | undefined =>
    supported?.includes(value) === false ? invalidValue(param, value, supported) : undefined
  const unknown = Object.keys(extras).find((name) => model.extras?.includes(name) === false)
  if (unknown) return unknownParameter(unknown)
  if (request.markup && model.markup === false) return unknownParameter('markup')
  if (request.markup && request.mask) return notTogether('markup', "Send either 'mask' or 'markup', not both.")
  if (background === 'transparent' && model.backgrounds?.includes('transparent') === false) return noTransparency()
  if (background === 'transparent' && format === 'jpeg') {
    return notTogether('background', 'A jpeg cannot be transparent. Set output_format to png or webp.')
  }
  return (
    listed(['background', background, model.backgrounds]) ??
    listed(['output_format', format, model.formats]) ??
    listed(['moderation', moderation, model.moderations]) ??
    fidelityRefusal(request.inputFidelity, model)
  )
}

function fidelityRefusal(fidelity: string | undefined, { inputFidelities }: Model): Failure | undefined {
  if (fidelity === undefined || !inputFidelities || inputFidelities.includes(fidelity)) return undefined
  if (inputFidelities.length > 0) return invalidValue('input_fidelity', fidelity, inputFidelities)
  return {
    code: 'invalid_request',
    message: "This model does not support the 'input_fidelity' parameter. Leave it out.",
    param: 'input_fidelity',
    reason: 'invalid_input_fidelity_model',
  }
}
