import { OPENAI_IMAGES, type Vocabulary } from '../../refusals/vocabulary'

/** The parameters of GrsAI's API; its two generations name the list of pictures differently. */
export const grsaiVocabulary = (list: 'urls' | 'images'): Vocabulary => ({
  ...OPENAI_IMAGES,
  parameters: {
    model: 'model',
    prompt: 'prompt',
    n: 'variants',
    size: 'size',
    quality: 'quality',
    background: 'background',
    format: undefined,
    compression: undefined,
    moderation: undefined,
    style: undefined,
    inputFidelity: undefined,
    images: list,
    image: list,
    mask: 'mask',
    markup: undefined,
    partials: undefined,
  },
  sendImage: 'Send a public https URL, a data URL or bare base64.',
  contentTypes: "'application/json'",
})
