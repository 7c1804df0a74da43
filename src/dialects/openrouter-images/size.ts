import { invalidParameter } from '../../failures/parameters'
import { shapeText } from '../../catalog/shapes'
import { type Pixels, pixelsOf } from '../../catalog/sizes'
import { GatewayError } from '../../failures/errors'

/** The resolutions of OpenRouter's images API (protocols §2.2), each twice the one before. */
export const OPENROUTER_RESOLUTIONS = ['512', '1K', '2K', '4K'] as const

/** The aspect ratios of OpenRouter's images API. */
export const OPENROUTER_RATIOS = [
  '1:1 1:2 1:4 1:8 2:1 2:3 2.35:1 3:2 3:4 4:1 4:3 4:5 5:2 5:4 8:1',
  '9:16 16:9 9:19.5 19.5:9 9:20 20:9 9:21 21:9 auto',
].flatMap((ratios) => ratios.split(' '))

/** Three parameters that ask for a size. */
export interface AskedSize {
  size?: string | null | undefined
  resolution?: (typeof OPENROUTER_RESOLUTIONS)[number] | null | undefined
  aspect_ratio?: string | null | undefined
}

/** The size of a request. Throws GatewayError for parameters that contradict each other. */
export function openrouterSize({ size, resolution, aspect_ratio }: AskedSize): string {
  const [requested, ratio] = [size ?? 'auto', aspect_ratio ?? 'auto']
  const tier = OPENROUTER_RESOLUTIONS.find((each) => each === requested)
  if (tier && resolution && resolution !== tier) throw new GatewayError(contradiction('resolution'))
  if (tier || requested === 'auto')
    return shapeText({ ratio: wholeRatio(ratio), resolution: tier ?? resolution ?? undefined })
  const pixels = pixelsOf(requested)
  if (pixels && ratio !== 'auto' && !isNearRatio(pixels, ratio)) throw new GatewayError(contradiction('aspect_ratio'))
  if (pixels && resolution && !nearResolutions(pixels).includes(resolution))
    throw new GatewayError(contradiction('resolution'))
  return requested
}

/** The parameter that decides the size. */
export function sizeParamOf({ size, resolution, aspect_ratio }: AskedSize): string {
  if (size && pixelsOf(size)) return 'size'
  return aspect_ratio && aspect_ratio !== 'auto' ? 'aspect_ratio' : !size && resolution ? 'resolution' : 'size'
}

/** The three ratios without whole numbers. */
const wholeRatio = (ratio: string): string => WHOLE_RATIOS[ratio] ?? ratio
const WHOLE_RATIOS: Record<string, string> = { '2.35:1': '47:20', '19.5:9': '39:18', '9:19.5': '18:39' }

/** The edges of models come in steps, so a size meets a ratio only nearly. */
const MAX_DEVIATION = 0.05

function isNearRatio({ width, height }: Pixels, ratio: string): boolean {
  const [across = 1, down = 1] = ratio.split(':').map(Number)
  return Math.abs(width / height / (across / down) - 1) <= MAX_DEVIATION
}

/** The resolution by the longer edge, as for screens, and by the area, as for Google's models. */
const nearResolutions = ({ width, height }: Pixels): (string | undefined)[] =>
  [Math.max(width, height), Math.sqrt(width * height)].map(
    (edge) => OPENROUTER_RESOLUTIONS[Math.round(Math.log2(edge / 512))],
  )

const contradiction = (param: string): ReturnType<typeof invalidParameter> =>
  invalidParameter(param, `'size' and '${param}' contradict each other. Leave one of them out.`)
