import { expect, test } from 'vitest'
import { errorOf, post } from '../support/gateway'
import { upstreams } from '../support/upstreams'

upstreams()

const base = { model: 'gpt-image-2', prompt: 'A cat' }

test.each([
  [
    'texts as images',
    { ...base, images: ['x'] },
    'invalid_type',
    'images[0]',
    expect.stringContaining('expected an object'),
  ],
  [
    'an object as images',
    { ...base, images: {} },
    'invalid_type',
    'images',
    expect.stringContaining('expected an array'),
  ],
  ['an empty list', { ...base, images: [] }, 'empty_array', 'images', expect.any(String)],
  ['no images', base, 'missing_required_parameter', 'images', expect.any(String)],
  [
    'a file id',
    { ...base, images: [{ file_id: 'file-1' }] },
    'missing_required_parameter',
    'images[0].image_url',
    expect.any(String),
  ],
  [
    'a private URL',
    { ...base, images: [{ image_url: 'http://169.254.169.254/' }] },
    'invalid_image_url',
    'images[0].image_url',
    expect.stringContaining('public https URL'),
  ],
  [
    'a data URL that is no base64',
    { ...base, images: [{ image_url: 'data:image/png;base64,!!!' }] },
    'invalid_image_file',
    'images[0].image_url',
    'Invalid image file or mode for image 1, please check your image file. Its base64 is invalid.',
  ],
  [
    'a data URL without base64',
    { ...base, images: [{ image_url: ' DATA:image/png,x' }] },
    'invalid_image_file',
    'images[0].image_url',
    expect.stringContaining("Its data URL has no ';base64,'"),
  ],
])('refuses in the words of the API an edit with %s', async (_, body, code, param, message) => {
  expect(await errorOf(await post('/v1/images/edits', body))).toMatchObject({ status: 400, code, param, message })
})
