import { sizeInShapes } from '../../failures/size-words'
import type { Vocabulary } from '../../failures/vocabulary'

/** The usual one of two objects that hold the aspect ratio and the resolution. */
const RESPONSE_FORMAT = 'response_format'

/** The parameters of the Interactions API; `sizeParam` is the object with the aspect ratio and the resolution. */
export const interactionsVocabulary = ({
  sizeParam = RESPONSE_FORMAT,
}: { sizeParam?: string | undefined } = {}): Vocabulary => ({
  parameters: {
    model: 'model',
    prompt: 'input',
    n: undefined,
    size: sizeParam,
    quality: undefined,
    background: undefined,
    format: 'response_format.mime_type',
    compression: undefined,
    moderation: undefined,
    style: undefined,
    inputFidelity: undefined,
    images: 'input',
    image: 'input',
    mask: undefined,
    markup: undefined,
    partials: undefined,
  },
  extra: (name) => `generation_config.${name}`,
  value: (field, value) => (field === 'format' ? `image/${value}` : value),
  size: sizeInShapes(`${sizeParam}.aspect_ratio`, `${sizeParam}.image_size`),
  sendImage: "Send a public https URL as 'uri', or the picture itself as 'data'.",
  contentTypes: "'application/json'",
})
