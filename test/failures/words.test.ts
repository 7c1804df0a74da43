import { describe, expect, test } from 'vitest'
import { chatVocabulary } from '../../src/dialects/chat-completions/vocabulary'
import { geminiVocabulary } from '../../src/dialects/gemini/vocabulary'
import { grsaiVocabulary } from '../../src/dialects/grsai/vocabulary'
import { IMAGEN_VOCABULARY } from '../../src/dialects/imagen/vocabulary'
import { interactionsVocabulary } from '../../src/dialects/interactions/vocabulary'
import { openrouterVocabulary } from '../../src/dialects/openrouter-images/vocabulary'
import { responsesVocabulary } from '../../src/dialects/responses/vocabulary'
import type { Reason, Refusal, SizeFault } from '../../src/failures/refusal'
import { refusing } from '../../src/failures/refuse'
import { OPENAI_IMAGES, type Vocabulary } from '../../src/failures/vocabulary'
import { failureInWords } from '../../src/failures/words'
import { failureSchema } from '../../src/failures/errors'

const RATIOS = ['1:1', '16:9']

const FAULTS: { [Fault in SizeFault['is']]: Extract<SizeFault, { is: Fault }> } = {
  not_pixels: { is: 'not_pixels' },
  not_divisible: { is: 'not_divisible', by: 16 },
  edge_too_long: { is: 'edge_too_long', max: 3840 },
  edges_out_of_range: { is: 'edges_out_of_range', min: 256, max: 1920 },
  too_elongated: { is: 'too_elongated', max: 3 },
  too_few_pixels: { is: 'too_few_pixels', min: 655_360 },
  too_many_pixels: { is: 'too_many_pixels', max: 8_294_400 },
  ratio_out_of_range: { is: 'ratio_out_of_range', max: 3 },
  ratio_not_near: { is: 'ratio_not_near', ratios: RATIOS },
  ratio_missing: { is: 'ratio_missing' },
  resolution_unknown: { is: 'resolution_unknown', allowed: ['1K', '2K'] },
  nearest: { is: 'nearest', size: '1024x1024', ratios: RATIOS },
  sizes_unknown: { is: 'sizes_unknown', ratios: RATIOS },
  above_limit: { is: 'above_limit', max: '1024x1024' },
}

const invalidSize = (fault: SizeFault): Refusal => ({ reason: 'invalid_size', field: 'size', given: '8:1', fault })

/** One refusal of each reason, by a field of the core where the core raises it. */
const REFUSALS: { [R in Reason]: Extract<Refusal, { reason: R }> } = {
  missing: { reason: 'missing', field: 'prompt' },
  unknown_parameter: { reason: 'unknown_parameter', field: { extra: 'seed' } },
  no_effect: { reason: 'no_effect', field: { param: 'temperature' } },
  invalid_type: { reason: 'invalid_type', field: 'n', expected: 'an integer', given: 'a string' },
  invalid_value: { reason: 'invalid_value', field: 'format', given: 'webp', allowed: ['png', 'jpeg'] },
  below_minimum: { reason: 'below_minimum', field: 'n', given: 0, minimum: 1 },
  above_maximum: { reason: 'above_maximum', field: 'n', given: 4, maximum: 2 },
  empty: { reason: 'empty', field: 'prompt', kind: 'string' },
  too_long: { reason: 'too_long', field: 'prompt', kind: 'string', maximum: 10 },
  malformed: { reason: 'malformed', field: 'prompt', expected: 'Send a text.' },
  partials_without_stream: { reason: 'partials_without_stream', field: 'partials' },
  unsupported_content_type: { reason: 'unsupported_content_type', given: 'text/plain' },
  unknown_model: { reason: 'unknown_model', field: 'model', given: 'nope' },
  model_not_allowed: { reason: 'model_not_allowed', field: 'model', given: 'nope' },
  model_without_price: { reason: 'model_without_price', field: 'model' },
  unpriced_parameter: { reason: 'unpriced_parameter', field: { param: 'tools' } },
  invalid_size: { reason: 'invalid_size', field: 'size', given: '8:1', fault: FAULTS.sizes_unknown },
  no_choice_of_size: { reason: 'no_choice_of_size', field: 'size', given: '16:9' },
  no_transparency: { reason: 'no_transparency', field: 'background' },
  opaque_format: { reason: 'opaque_format', field: 'background', given: 'jpeg', instead: ['png', 'webp'] },
  one_at_a_time: { reason: 'one_at_a_time', field: 'n', given: 'svg' },
  no_compression: { reason: 'no_compression', field: 'compression', instead: ['jpeg', 'webp'] },
  no_input_fidelity: { reason: 'no_input_fidelity', field: 'inputFidelity' },
  mask_and_markup: { reason: 'mask_and_markup', field: 'markup' },
  too_many_images: { reason: 'too_many_images', field: 'images', maximum: 1 },
  invalid_image: { reason: 'invalid_image', field: 'image', position: 1, why: 'It is a HEIC; send a PNG.' },
  unreadable_image: { reason: 'unreadable_image', field: 'images', why: 'its host did not answer' },
  image_too_large: { reason: 'image_too_large', field: 'images', maximumBytes: 1024 },
  image_too_large_for_model: { reason: 'image_too_large_for_model', field: 'mask', maximumBytes: 1024 },
  unusable_mask: { reason: 'unusable_mask', field: 'mask', why: 'it is no PNG' },
  upstream: { reason: 'upstream', field: 'prompt', words: "'prompt' is too long.", code: 'invalid_value' },
}

const samples = [...Object.values<Refusal>(REFUSALS), ...Object.values<SizeFault>(FAULTS).map(invalidSize)]

const DIALECTS: [name: string, vocabulary: Vocabulary][] = [
  ['Images', OPENAI_IMAGES],
  ['chat', chatVocabulary()],
  ['chat with image_config', chatVocabulary({ names: { size: 'image_config.aspect_ratio' } })],
  ['Responses', responsesVocabulary({ modelParam: 'tools[0].model' })],
  ['Gemini', geminiVocabulary()],
  ['Imagen', IMAGEN_VOCABULARY],
  ['Interactions', interactionsVocabulary()],
  ['GrsAI', grsaiVocabulary('urls')],
  ['OpenRouter', openrouterVocabulary()],
]

/** Parameters of OpenAI's Images API for fields that the dialect names differently. */
const foreignTo = ({ parameters }: Vocabulary): string[] =>
  Object.entries(OPENAI_IMAGES.parameters)
    .filter(([field]) => Object.entries(parameters).some(([own, name]) => own === field && name !== undefined))
    .map(([, name]) => name)
    .filter((name) => !Object.values(parameters).includes(name))

describe.each(DIALECTS)('the words of %s', (_, vocabulary) => {
  test.each(samples)('for $reason name no parameter of another dialect', (refusal) => {
    const { message, param } = failureInWords(refusing(refusal), vocabulary)
    expect(message).toMatch(/^[A-Z'].*\.$/)
    for (const foreign of foreignTo(vocabulary)) expect(`${message} '${param}'`).not.toContain(`'${foreign}'`)
  })
})

describe('a size by its ratio', () => {
  test.each(Object.values<SizeFault>(FAULTS))('is never refused with advice about pixels: $is', (fault) => {
    const { message, param } = failureInWords(refusing(invalidSize(fault)), geminiVocabulary())
    expect(message).not.toContain('WIDTHxHEIGHT')
    expect(param).toBe('generationConfig.imageConfig')
  })

  test('is left out for a model that chooses the size', () => {
    const { message } = failureInWords(refusing(REFUSALS.no_choice_of_size), geminiVocabulary())
    expect(message).toBe("This model chooses the size of its pictures. Leave 'generationConfig.imageConfig' out.")
  })
})

test("Gemini's formats are media types", () => {
  const { message, param } = failureInWords(refusing(REFUSALS.invalid_value), geminiVocabulary())
  expect(message).toBe("Invalid value: 'image/webp'. Supported values are: 'image/png' and 'image/jpeg'.")
  expect(param).toBe('generationConfig.responseFormat.image.mimeType')
})

describe('a stored failure', () => {
  test.each(samples)('is parsed as it was written: $reason', (refusal) => {
    const failure = refusing(refusal)
    expect(failureSchema.parse(JSON.parse(JSON.stringify(failure)))).toEqual(failure)
  })

  test('of an earlier version has words alone', () => {
    const failure = { code: 'unsupported_parameter', message: 'No.', param: 'size', reason: 'invalid_value' } as const
    expect(failureSchema.parse(failure)).toEqual(failure)
    expect(failureInWords(failureSchema.parse(failure), geminiVocabulary())).toEqual(failure)
  })
})
