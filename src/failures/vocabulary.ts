import { FIELDS, type Field, type Place } from './refusal'
import { SIZE_IN_PIXELS, type SizeWords } from './size-words'

/** The words of a dialect for the parts of a request. */
export interface Vocabulary {
  /** The parameter of each field; undefined if a request of the dialect has none. */
  parameters: Readonly<Record<Field, string | undefined>>
  /** The parameter of an extra. */
  extra: (name: string) => string
  /** A value of a field as requests of the dialect write it. */
  value: (field: Place, value: string) => string
  size: SizeWords
  /** Advice on sending a picture that the gateway can read. */
  sendImage: string
  /** The content types of a body, as the end of a sentence. */
  contentTypes: string
}

/** The parameters of OpenAI's Images API, which upstreams name in their refusals too. */
const PARAMETERS = {
  model: 'model',
  prompt: 'prompt',
  n: 'n',
  size: 'size',
  quality: 'quality',
  background: 'background',
  format: 'output_format',
  compression: 'output_compression',
  moderation: 'moderation',
  style: 'style',
  inputFidelity: 'input_fidelity',
  images: 'images',
  image: 'image',
  mask: 'mask',
  markup: 'markup',
  partials: 'partial_images',
} as const satisfies Record<Field, string>

/** OpenAI's Images API, and the gateway's own routes. */
export const OPENAI_IMAGES: Vocabulary & { parameters: Readonly<Record<Field, string>> } = {
  parameters: PARAMETERS,
  extra: (name) => name,
  value: (_, value) => value,
  size: SIZE_IN_PIXELS,
  sendImage: 'Send a public https URL or a data URL.',
  contentTypes: "'application/json', or 'multipart/form-data' for edits",
}

/** The parameter at a place of a request. */
export function parameterOf(place: Place, { parameters, extra }: Vocabulary): string {
  if (typeof place === 'string') return parameters[place] ?? PARAMETERS[place]
  return 'param' in place ? place.param : extra(place.extra)
}

/** The fields behind names that wire formats give them, for a parameter in the place of another format. */
const NAMES_OF_FIELDS: Partial<Record<Field, readonly string[]>> = {
  prompt: ['messages', 'contents', 'input', 'text'],
  n: ['variants', 'num_images', 'num_outputs', 'candidateCount', 'numberOfImages', 'sampleCount'],
  size: ['aspect_ratio', 'aspectRatio', 'image_size', 'imageSize', 'resolution', 'width', 'height', 'image_config'],
  format: ['outputFormat', 'mimeType', 'outputMimeType'],
  images: ['urls', 'input_references', 'image_url', 'image_urls', 'input_image', 'inlineData', 'referenceImages'],
}

/** The field that a name stands for in any wire format; undefined for an unknown name. */
export function fieldNamed(name: string): Field | undefined {
  const isNamed = (field: Field): boolean =>
    PARAMETERS[field] === name || NAMES_OF_FIELDS[field]?.includes(name) === true
  return FIELDS.find(isNamed)
}

/** The parameter of a dialect for what a client sends in the place of another dialect; undefined for none. */
export function homeOf(param: string, { parameters }: Vocabulary): string | undefined {
  const name = param.slice(param.lastIndexOf('.') + 1)
  const field = fieldNamed(name)
  const home = field && parameters[field]
  return home === name || home === param ? undefined : home
}

/** The place of a parameter of OpenAI's Images API; an unknown name stays as it is. */
export function fieldOfParameter(parameter: string): Place {
  const field = FIELDS.find((each) => PARAMETERS[each] === parameter)
  return field ?? { param: parameter }
}
