import { sizeInShapes } from '../../failures/size-words'
import { OPENAI_IMAGES, type Vocabulary } from '../../failures/vocabulary'

/** The parameters of OpenRouter's images API; `sizeParam` is the one that asked for the size. */
export const openrouterVocabulary = ({ sizeParam = 'size' }: { sizeParam?: string | undefined } = {}): Vocabulary => ({
  ...OPENAI_IMAGES,
  parameters: {
    model: 'model',
    prompt: 'prompt',
    n: 'n',
    size: sizeParam,
    quality: 'quality',
    background: 'background',
    format: 'output_format',
    compression: 'output_compression',
    moderation: undefined,
    style: undefined,
    inputFidelity: undefined,
    images: 'input_references',
    image: 'input_references',
    mask: undefined,
    markup: undefined,
    partials: undefined,
  },
  ...(sizeParam !== 'size' && { size: sizeInShapes('aspect_ratio', 'resolution') }),
  contentTypes: "'application/json'",
})
