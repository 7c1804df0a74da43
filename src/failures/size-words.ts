import type { SizeFault } from './refusal'

/** The words of a dialect for sizes. */
export interface SizeWords {
  /** Says why a size is not made, and which sizes are. */
  fault: (fault: SizeFault) => string
  /** The whole refusal of a size by a model that chooses it alone. */
  noChoice: (given: string, param: string) => string
}

/** For dialects in which a size is asked for in pixels, or left to the model by `auto`. */
export const SIZE_IN_PIXELS: SizeWords = {
  fault: faultInPixels,
  noChoice: (given) => `Invalid value: '${given}'. Supported values are: 'auto'.`,
}

/** For dialects in which a size is asked for by an aspect ratio and a resolution, under the two names. */
export const sizeInShapes = (ratio: string, resolution: string): SizeWords => ({
  fault: (fault) => faultInShapes(fault, ratio, resolution),
  noChoice: (_, param) => `This model chooses the size of its pictures. Leave '${param}' out.`,
})

function faultInPixels(fault: SizeFault): string {
  switch (fault.is) {
    case 'not_pixels':
      return "Expected WIDTHxHEIGHT, for example '1824x1024'."
    case 'not_divisible':
      return `Width and height must both be divisible by ${fault.by}.`
    case 'edge_too_long':
      return `Neither edge may be longer than ${fault.max} pixels.`
    case 'edges_out_of_range':
      return `Width and height must both be from ${fault.min} to ${fault.max} pixels.`
    case 'too_elongated':
      return `The longer edge may be at most ${fault.max} times the shorter one.`
    case 'too_few_pixels':
      return `The requested resolution is below the current minimum pixel budget of ${fault.min} pixels.`
    case 'too_many_pixels':
      return `The requested resolution is above the current maximum pixel budget of ${fault.max} pixels.`
    case 'ratio_out_of_range':
      return `The aspect ratio must be from 1:${fault.max} to ${fault.max}:1.`
    case 'ratio_not_near':
      return `The aspect ratio must be near one of ${fault.ratios.join(', ')}.`
    case 'ratio_missing':
      return 'Name an aspect ratio as well: that of the picture is not known here.'
    case 'resolution_unknown':
      return `The resolution must be ${alternatives(fault.allowed)}.`
    case 'nearest':
      return `The nearest that this model makes is ${fault.size}.${ratiosOf(fault.ratios)}`
    case 'sizes_unknown':
      return `The sizes of this model are not known here: ask for WIDTHxHEIGHT${orRatios(fault.ratios)}.`
    case 'above_limit':
      return `Your key allows at most ${fault.max}; name a size within that.`
    default:
      return fault satisfies never
  }
}

function faultInShapes(fault: SizeFault, ratio: string, resolution: string): string {
  switch (fault.is) {
    case 'not_pixels':
      return `Send '${ratio}' and '${resolution}'.`
    case 'ratio_missing':
      return `Send '${ratio}' as well: the ratio of the picture is not known here.`
    case 'resolution_unknown':
      return `'${resolution}' must be ${alternatives(fault.allowed)}.`
    case 'sizes_unknown':
      return `The sizes of this model are not known here: send a '${ratio}' of ${fault.ratios.join(', ')}.`
    case 'above_limit':
      return `Your key allows at most ${fault.max} pixels; send a smaller '${resolution}'.`
    case 'not_divisible':
    case 'edge_too_long':
    case 'edges_out_of_range':
    case 'too_elongated':
    case 'too_few_pixels':
    case 'too_many_pixels':
    case 'ratio_out_of_range':
    case 'ratio_not_near':
    case 'nearest':
      return faultInPixels(fault)
    default:
      return fault satisfies never
  }
}

const ratiosOf = (ratios: readonly string[] | undefined): string =>
  ratios ? ` Its aspect ratios are ${ratios.join(', ')}.` : ''

const orRatios = (ratios: readonly string[]): string =>
  ratios.length > 0 ? `, or one of the aspect ratios ${ratios.join(', ')}` : ''

/** `a, b or c`. */
const alternatives = (values: readonly string[]): string =>
  [values.slice(0, -1).join(', '), ...values.slice(-1)].filter(Boolean).join(' or ')
