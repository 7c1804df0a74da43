import { describe, expect, test } from 'vitest'
import { errorOf, KEY, knock, postForm } from '../support/gateway'
import { picture, pictureFile } from '../support/pictures'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

type Parts = [string, string | File][]

const base = async (): Promise<Parts> => [
  ['model', 'gpt-image-2'],
  ['prompt', 'A cat'],
  ['image', await pictureFile('a')],
]

describe('a form is refused', () => {
  test.each([
    ['image1', "In a form, use 'image' or 'image[]'."],
    ['images', "In a form, use 'image' or 'image[]'."],
    ['images[]', "In a form, use 'image' or 'image[]'."],
    ['image[a]', "In a form, use 'image' or 'image[]'."],
    ['file', "In a form, use 'image' or 'image[]'."],
    ['init_photo', "In a form, use 'image' or 'image[]'."],
    ['mask[]', "In a form, use 'mask'."],
  ])('with a file of 2 MB under %s, by that name', async (name, hint) => {
    const parts: Parts = [...(await base()), [name, await pictureFile('b', 2_000_000)]]
    const message = `Unknown parameter: '${name}'. ${hint}`
    expect(await errorOf(await postForm('/v1/images/edits', parts))).toMatchObject({
      status: 400,
      param: name,
      message,
    })
  })

  test.each(['prompt', 'size', 'model', 'mask', 'user'])('with %s twice, even if one is blank', async (name) => {
    for (const second of ['', '1024x1024']) {
      const parts: Parts = [[name, 'A cat'], ...(await base()).filter(([each]) => each !== name), [name, second]]
      const first = name === 'mask' ? await pictureFile('m') : 'gpt-image-2'
      const refused = await errorOf(await postForm('/v1/images/edits', [[name, first], ...parts.slice(1)]))
      expect(refused).toMatchObject({ status: 400, param: name, message: expect.stringContaining('twice') })
    }
  })

  test.each(['multipart/form-data', 'Multipart/Form-Data; charset=utf-8', 'multipart/form-data; boundary='])(
    'with the content type %j, which lacks the boundary',
    async (type) => {
      const headers = { authorization: `Bearer ${KEY}`, 'content-type': type }
      const response = await knock('/v1/images/edits', { method: 'POST', headers, body: '--b1--' })
      const message = expect.stringMatching(/lacks its boundary.*your HTTP client sets it/)
      expect(await errorOf(response)).toMatchObject({ status: 400, message })
    },
  )

  test.each([
    ['that ends its lines with LF', '--b1\ncontent-disposition: form-data; name="a"\n\nx\n--b1--', 'LF'],
    ['of another boundary', '--b2\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--b2--', 'hold its boundary'],
    ['of JSON', '{"model":"gpt-image-2"}', 'hold its boundary'],
    ['of a part without a name', '--b1\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b1--', 'without a name in its'],
  ])('%s, with the reason', async (_, body, reason) => {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b1' }
    const response = await knock('/v1/images/edits', { method: 'POST', headers, body })
    expect(await errorOf(response)).toMatchObject({ status: 400, message: expect.stringContaining(reason) })
  })
})

describe('a form is read', () => {
  test('with every unset field blank, as go-openai writes it', async () => {
    const names = ['n', 'size', 'response_format', 'quality', 'user', 'background', 'stream', 'seed', 'style']
    const blanks = names.map((name): [string, string] => [name, ''])
    const none: Parts = [
      ['mask', new File([], '')],
      ['image[]', new File([], '')],
    ]
    const response = await postForm('/v1/images/edits', [...blanks, ...(await base()), ...none])
    expect([response.status, upstream.calls[0]?.fields]).toEqual([200, { model: 'gpt-image-2', prompt: 'A cat' }])
    expect(upstream.calls[0]?.files.map(({ name }) => name)).toEqual(['image'])
  })

  test('without the byte order marks of its texts', async () => {
    const parts = (await base()).map(([name, value]): [string, string | File] => [
      name,
      typeof value === 'string' ? `\ufeff${value}` : value,
    ])
    const response = await postForm('/v1/images/edits', [...parts, ['n', '\ufeff1'], ['size', '\ufeff']])
    expect([response.status, upstream.calls[0]?.fields]).toEqual([200, { model: 'gpt-image-2', prompt: 'A cat' }])
  })

  test('with folded headers, a Windows path, a preamble and blanks behind its boundary', async () => {
    const head = 'a preamble\r\n--b1 \r\ncontent-disposition: form-data;\r\n name="prompt"\r\n\r\nA cat\r\n--b1\t\r\n'
    const model = 'content-disposition: form-data; name="model"\r\n\r\ngpt-image-2\r\n--b1\r\n'
    const file = 'content-disposition: form-data; filename="C:\\dir\\"; name="image"\r\n\r\n'
    const body = new Blob([head, model, file, await picture('a'), '\r\n--b1-- \r\nan epilogue'])
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b1' }
    expect((await knock('/v1/images/edits', { method: 'POST', headers, body })).status).toBe(200)
    expect(upstream.calls.map(({ files }) => files.length)).toEqual([1])
  })
})
