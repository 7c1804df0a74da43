import { type Failure, type Result, failed, ok } from '../errors'
import { DEFAULTS, type ImageRequest } from '../image/request'
import { capabilities, type Model } from './models'
import { invalidValue, noTransparency, notTogether, unknownModel, unknownParameter } from './refusals'
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

/** The words of the dall-e models, which relays' clients still use (protocols §7.5, §7.6). */
const OLD_QUALITIES = new Map([
  ['standard', 'medium'],
  ['hd', 'high'],
])

/** Formats whose files get smaller with `output_compression` (protocols §1.1). */
const COMPRESSED = ['jpeg', 'webp']

/**
 * Fits a request to what its model can do: refuses what has no counterpart, adapts the rest and adds that to what was
 * adapted before. `aliases` gives the model that is meant by a name.
 */
export function fit(
  { request: asked, adjustments: before }: Fitted,
  aliases: ReadonlyMap<string, string>,
): Result<Fitted> {
  const request = { ...asked, model: aliases.get(asked.model) ?? asked.model }
  const model = capabilities(request.model)
  const adjustments = [...before]
  const adjust = (note: string, refusal: Failure): void => void adjustments.push({ note, refusal })
  if (request.model !== asked.model) adjust(`model=${asked.model}>${request.model}`, unknownModel(asked.model))

  const impossible = refusalOf(request, model)
  if (impossible) return failed(impossible)

  const size = fitSize(asked.size, model.sizes)
  if (!('size' in size)) return failed(size.refusal)
  if (size.refusal) adjust(`size=${asked.size}>${size.size}`, size.refusal)
  request.size = size.size

  if (model.qualities && !model.qualities.includes(asked.quality)) {
    const refusal = invalidValue('quality', asked.quality, model.qualities)
    const quality = OLD_QUALITIES.get(asked.quality)
    if (!quality) return failed(refusal)
    adjust(`quality=${asked.quality}>${quality}`, refusal)
    request.quality = quality
  }
  // `low` is what these models do anyway (protocols §1.3), and not each of them knows the word.
  if (model.inputFidelities && asked.inputFidelity === 'low') delete request.inputFidelity
  if (asked.style !== undefined && model.style === false) {
    adjust('style', unknownParameter('style'))
    delete request.style
  }
  if (asked.compression !== DEFAULTS.compression && !COMPRESSED.includes(asked.format)) {
    const message = `'output_compression' is only for jpeg and webp. Leave it out, or set 'output_format' to one of them.`
    adjust('output_compression', notTogether('output_compression', message))
    request.compression = DEFAULTS.compression
  }
  return ok({ request, adjustments })
}

/** What the model cannot do and nothing can stand in for. */
function refusalOf(request: ImageRequest, model: Model): Failure | undefined {
  const { background, format, moderation, extras } = request
  const listed = ([param, value, supported]: [string, string, readonly string[] | undefined]): Failure | undefined =>
    supported?.includes(value) === false ? invalidValue(param, value, supported) : undefined
  const unknown = Object.keys(extras).find(
    (name) => name !== 'input_fidelity' && model.extras?.includes(name) === false,
  )

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
