import { sizeInShapes } from '../../failures/size-words'
import { OPENAI_IMAGES, type Vocabulary } from '../../failures/vocabulary'
import type { ChatAnswerOptions } from './request'

/** The parameters of chat completions; `names` holds those under `image_config`. */
export function chatVocabulary({ names = {} }: Partial<Pick<ChatAnswerOptions, 'names'>> = {}): Vocabulary {
  const parameter = (name: string): string => names[name] ?? name
  return {
    ...OPENAI_IMAGES,
    parameters: {
      model: 'model',
      prompt: 'messages',
      n: 'n',
      size: parameter('size'),
      quality: parameter('quality'),
      background: parameter('background'),
      format: parameter('output_format'),
      compression: parameter('output_compression'),
      moderation: parameter('moderation'),
      style: undefined,
      inputFidelity: undefined,
      images: 'messages',
      image: 'messages',
      mask: undefined,
      markup: undefined,
      partials: undefined,
    },
    ...(isShaped(parameter('size')) && { size: sizeInShapes(parameter('aspect_ratio'), parameter('image_size')) }),
    contentTypes: "'application/json'",
  }
}

/** Whether the parameter of the size is an aspect ratio or a resolution. */
const isShaped = (parameter: string): boolean => /(?:^|\.)(?:aspect_ratio|image_size)$/.test(parameter)
