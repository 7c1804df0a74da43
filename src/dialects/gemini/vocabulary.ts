import { sizeInShapes } from '../../failures/size-words'
import type { Vocabulary } from '../../failures/vocabulary'

/** The usual one of two objects that hold the aspect ratio and the resolution. */
const IMAGE_CONFIG = 'generationConfig.imageConfig'

/** The parameters of Google's Gemini API; `sizeParam` is the object with the aspect ratio and the resolution. */
export const geminiVocabulary = ({
  sizeParam = IMAGE_CONFIG,
}: { sizeParam?: string | undefined } = {}): Vocabulary => ({
  parameters: {
    model: 'model',
    prompt: 'contents',
    n: 'generationConfig.candidateCount',
    size: sizeParam,
    quality: undefined,
    background: undefined,
    format: 'generationConfig.responseFormat.image.mimeType',
    compression: undefined,
    moderation: undefined,
    style: undefined,
    inputFidelity: undefined,
    images: 'contents',
    image: 'contents',
    mask: undefined,
    markup: undefined,
    partials: undefined,
  },
  extra: (name) => `generationConfig.${name}`,
  value: (field, value) => (field === 'format' ? `image/${value}` : value),
  size: sizeInShapes(`${sizeParam}.aspectRatio`, `${sizeParam}.imageSize`),
  sendImage: "Send a public https URL in 'fileData', or the picture itself in 'inlineData'.",
  contentTypes: "'application/json'",
})
