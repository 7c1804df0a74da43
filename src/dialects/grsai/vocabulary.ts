import { OPENAI_IMAGES, type Vocabulary } from '../../failures/vocabulary'

/** The parameters of GrsAI's API; `list` is the generation's name for the list of pictures. */
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
