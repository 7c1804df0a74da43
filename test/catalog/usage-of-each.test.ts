import { expect, test } from 'vitest'
import { usageOfPictures } from '../../src/catalog/usage-of-each'
import { addUsage, type Usage } from '../../src/image/record'
import { asking, catalogue } from './requests'

const usageOf = (output: number): Usage => ({ input: 2, output, total: output + 2 })

const counted = (model: string, said: object, each: Usage, facts: object = {}): number | undefined =>
  usageOfPictures({ usage: addUsage(each, each), usageOfEach: each, ...facts }, asking(model, said), catalogue(model))
    ?.output

const LOW = { n: 2, size: '1024x1024', quality: 'low' }

test.each<[string, string, object, Usage, object, number]>([
  ['the usage of one picture at each of two is added up', 'gpt-image-2', LOW, usageOf(196), {}, 392],
  ['previews too', 'gpt-image-2', { ...LOW, partials: 3 }, usageOf(496), {}, 992],
  ['the usage of the whole answer at each of two counts once', 'gpt-image-2', LOW, usageOf(392), {}, 392],
  ['by the quality that was served', 'gpt-image-2', { n: 2 }, usageOf(392), { quality: 'low', size: '1024x1024' }, 392],
  ['the usage of a model with unknown tokens counts once', 'unheard-of', { n: 2 }, usageOf(7), {}, 7],
])('%s', (_, model, said, each, facts, output) => {
  expect(counted(model, said, each, facts)).toBe(output)
})
