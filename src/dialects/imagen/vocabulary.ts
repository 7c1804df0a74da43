import { sizeInShapes } from '../../failures/size-words'
import type { Vocabulary } from '../../failures/vocabulary'

const EXTRAS: Readonly<Record<string, string>> = { negative_prompt: 'negativePrompt', guidance: 'guidanceScale' }

/** The parameters of Imagen's method `predict` (protocols §3.6). */
export const IMAGEN_VOCABULARY: Vocabulary = {
  parameters: {
    model: 'model',
    prompt: 'instances[0].prompt',
    n: 'parameters.sampleCount',
    size: 'parameters.aspectRatio',
    quality: undefined,
    background: undefined,
    format: 'parameters.outputOptions.mimeType',
    compression: 'parameters.outputOptions.compressionQuality',
    moderation: undefined,
    style: undefined,
    inputFidelity: undefined,
    images: 'instances[0].referenceImages',
    image: 'instances[0].image',
    mask: 'instances[0].mask',
    markup: undefined,
    partials: undefined,
  },
  extra: (name) => `parameters.${EXTRAS[name] ?? name}`,
  value: (field, value) => (field === 'format' ? `image/${value}` : value),
  size: sizeInShapes('parameters.aspectRatio', 'parameters.sampleImageSize'),
  sendImage: "Send the picture itself in 'bytesBase64Encoded'.",
  contentTypes: "'application/json'",
}
