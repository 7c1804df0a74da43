import { OPENAI_IMAGES, type Vocabulary } from '../../failures/vocabulary'

/** The parameters of the Responses API; `modelParam` names the image model. */
export const responsesVocabulary = ({ modelParam } = { modelParam: 'model' }): Vocabulary => ({
  ...OPENAI_IMAGES,
  parameters: {
    model: modelParam,
    prompt: 'input',
    n: undefined,
    size: 'tools[0].size',
    quality: 'tools[0].quality',
    background: 'tools[0].background',
    format: 'tools[0].output_format',
    compression: 'tools[0].output_compression',
    moderation: 'tools[0].moderation',
    style: undefined,
    inputFidelity: 'tools[0].input_fidelity',
    images: 'input',
    image: 'input',
    mask: 'tools[0].input_image_mask',
    markup: undefined,
    partials: 'tools[0].partial_images',
  },
  extra: (name) => `tools[0].${name}`,
  contentTypes: "'application/json'",
})
