import { describe, expect, test } from 'vitest'
import { topLevelOf } from '../../src/text/top-level'
import { encode, passing, splits } from '../streams/splits'

const read = async (text: string): ReturnType<typeof topLevelOf> => await topLevelOf(passing([encode(text)]))

describe('the name of a model', () => {
  test.each([
    '{"model":"gpt-5.2"}',
    ' \n{ "messages":["é😀\\"","\\\\"], "model" \t: "gpt-5.2" , "x":1}\n\n',
    '{"mod\\u0065l":"gpt-5\\u002e2","tools":[{"type":"function","model":"x"}]}',
    '{"metadata":{"model":"other"},"model":"gpt-5.2","":{"model":"x"}}',
  ])('is found with its place, however the text is split: %j', async (text) => {
    for (const { how, chunks } of splits(encode(text))) {
      const { models = [], fields } = (await topLevelOf(passing(chunks))) ?? {}
      const [{ name, from, to } = { name: '', from: 0, to: 0 }] = models
      const place = new TextDecoder().decode(encode(text).subarray(from, to))
      expect([how, models.length, name, JSON.parse(`"${place}"`)]).toEqual([how, 1, 'gpt-5.2', 'gpt-5.2'])
      expect(fields?.['model']).toBe('gpt-5.2')
    }
  })

  test('is reported at each occurrence, in any spelling of its case', async () => {
    const { models, fields } = (await read('{"model":"b","MODEL":"c","models":"d"}')) ?? {}
    expect([models?.map(({ name }) => name), fields?.['model']]).toEqual([['b', 'c'], 'b'])
  })
})

describe('the fields of a request', () => {
  test('are there with the text that tells requests for pictures, and no others', async () => {
    const tools = [
      { type: 'image_generation', size: '1024x1024' },
      { type: 'function', name: 'x' },
    ]
    const asked = { model: 'm', input: 'Hello', stream: true, n: 1, tools }
    const { fields } = (await read(JSON.stringify({ ...asked, tool_choice: { type: 'image_generation' } }))) ?? {}
    expect(fields).toMatchObject({
      model: 'm',
      stream: true,
      n: 1,
      tools: [{ type: 'image_generation' }, { type: 'function' }],
      tool_choice: { type: 'image_generation' },
    })
    expect(JSON.stringify(fields)).not.toMatch(/Hello|1024/)
  })

  test.each([
    '',
    'null',
    '"model"',
    '[]',
    '{',
    '{"model":"a"',
    '{"model":a}',
    `{"model":"${'a'.repeat(1025)}"}`,
    '{"a":1,"a":1}',
    '{"model":"a"}}',
    '{"model":"a"} {"model":"b"}',
  ])('cannot be read of %j', async (text) => {
    expect(await read(text)).toBeUndefined()
  })
})

test('files are counted at their places, and their bytes apart from the rest, however the text is split', async () => {
  const picture = 'data:image/png;base64,aGVsbG8='
  const text = JSON.stringify({
    input: [{ image_url: picture }, { file_data: 'data:,' }, { image_url: { url: picture } }],
    messages: ['dat', { url: 'dat' }, { url: 'https://example.com/data:' }],
    text: 'data:image/png;base64, and then words',
  })
  for (const { how, chunks } of splits(encode(text))) {
    const { textBytes, files } = (await topLevelOf(passing(chunks))) ?? {}
    expect([how, files, textBytes]).toEqual([how, 3, text.length - 2 * picture.length - 'data:,'.length - 3])
  }
})
