import { sizeInShapes } from '../../failures/size-words'
import { OPENAI_IMAGES, type Vocabulary } from '../../failures/vocabulary'
import type { ChatAnswerOptions } from './request'

/** The parameters of chat completions; `names` holds those under `image_config`. */
export function chatVocabulary({ names = {} }: Partial<Pick<ChatAnswerOptions, 'names'>> = {}): Vocabulary {
  const knob = (name: string): string => names[name] ?? name
  return {
    ...OPENAI_IMAGES,
    parameters: {
      model: 'model',
      prompt: 'messages',
      n: 'n',
      size: knob('size'),
      quality: knob('quality'),
      background: knob('background'),
      format: knob('output_format'),
      compression: knob('output_compression'),
      moderation: knob('moderation'),
      style: undefined,
      inputFidelity: undefined,
      images: 'messages',
      image: 'messages',
      mask: undefined,
      markup: undefined,
      partials: undefined,
    },
    ...(isShaped(knob('size')) && { size: sizeInShapes(knob('aspect_ratio'), knob('image_size')) }),
    contentTypes: "'application/json'",
  }
}

/** Whether the parameter of the size is an aspect ratio or a resolution. */
const isShaped = (parameter: string): boolean => /(?:^|\.)(?:aspect_ratio|image_size)$/.test(parameter)
