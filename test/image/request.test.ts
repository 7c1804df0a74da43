import { expect, test } from 'vitest'
import { DEFAULTS, type ImageRequest, type InputImage, fingerprint } from '../../src/image/request'

const input = (sha256: string): InputImage => ({ key: `inputs/${sha256}`, sha256, bytes: 10, mediaType: 'image/png' })

const request: ImageRequest = {
  ...DEFAULTS,
  operation: 'generate',
  model: 'gpt-image-2',
  prompt: 'A lighthouse at dusk',
  extras: {},
  images: [],
  partials: 0,
}
const edit: ImageRequest = { ...request, operation: 'edit', images: [input('a'), input('b')] }

function backwards({ operation, model, prompt, n, size, ...rest }: ImageRequest): ImageRequest {
  return { ...rest, size, n, prompt, model, operation }
}

test('a fingerprint is a SHA-256 in hex', () => {
  expect(fingerprint(request, 'public')).toMatch(/^[0-9a-f]{64}$/)
})

const same: [string, ImageRequest, ImageRequest][] = [
  ['a copy', request, structuredClone(request)],
  ['the order of its fields', edit, backwards(edit)],
  [
    'the order of its extras, at any depth',
    { ...request, extras: { a: 1, b: { c: [{ d: 1, e: 2 }], f: 3 } } },
    { ...request, extras: { b: { f: 3, c: [{ e: 2, d: 1 }] }, a: 1 } },
  ],
  ['an extra that is undefined', request, { ...request, extras: { complexity: undefined } }],
  [
    'a nested extra that is undefined',
    { ...request, extras: { a: {} } },
    { ...request, extras: { a: { b: undefined } } },
  ],
  ['the end user', request, { ...request, endUser: 'user-1' }],
  ['another end user', { ...request, endUser: 'user-1' }, { ...request, endUser: 'user-2' }],
  [
    'the key and the name of an input',
    { ...edit, mask: input('m') },
    { ...edit, mask: { key: 'elsewhere', sha256: 'm', bytes: 11, mediaType: 'image/webp' } },
  ],
]

test.each(same)('%s does not change the identity of a request', (_, one, other) => {
  expect(fingerprint(one, 'public')).toBe(fingerprint(other, 'public'))
})

test('a field set to undefined equals an absent one', () => {
  const present = Object.assign<ImageRequest, object>(structuredClone(request), {
    style: undefined,
    inputFidelity: undefined,
    mask: undefined,
    markup: undefined,
  })
  expect(fingerprint(present, 'public')).toBe(fingerprint(request, 'public'))
})

const changes: [string, ImageRequest][] = [
  ['the operation', { ...request, operation: 'edit' }],
  ['the model', { ...request, model: 'gpt-image-1' }],
  ['the prompt', { ...request, prompt: 'A lighthouse at dawn' }],
  ['the case of the prompt', { ...request, prompt: 'a lighthouse at dusk' }],
  ['a space at the end of the prompt', { ...request, prompt: 'A lighthouse at dusk ' }],
  ['half a surrogate pair in the prompt', { ...request, prompt: 'A lighthouse at dusk\ud83d' }],
  ['the other half of the pair', { ...request, prompt: 'A lighthouse at dusk\ude00' }],
  ['the replacement character for half a pair', { ...request, prompt: 'A lighthouse at dusk\ufffd' }],
  ['n', { ...request, n: 2 }],
  ['the size', { ...request, size: '1024x1024' }],
  ['the quality', { ...request, quality: 'high' }],
  ['the background', { ...request, background: 'transparent' }],
  ['the format', { ...request, format: 'webp' }],
  ['the compression', { ...request, compression: 0 }],
  ['the moderation', { ...request, moderation: 'low' }],
  ['the style', { ...request, style: 'vivid' }],
  ['the style, set to nothing', { ...request, style: '' }],
  ['the input fidelity', { ...request, inputFidelity: 'high' }],
  ['an extra', { ...request, extras: { complexity: 1 } }],
  ['an extra, to a text', { ...request, extras: { complexity: '1' } }],
  ['an extra, set to nothing', { ...request, extras: { complexity: null } }],
  ['an extra with the name of a field', { ...request, extras: { style: 'vivid' } }],
  ['an extra with the name of an Object method', { ...request, extras: JSON.parse('{"__proto__":1}') }],
  ['the pictures', { ...request, images: [input('a')] }],
  ['the number of pictures', { ...request, images: [input('a'), input('a')] }],
  ['a second picture', { ...request, images: [input('a'), input('b')] }],
  ['the order of pictures', { ...request, images: [input('b'), input('a')] }],
  ['the mask', { ...request, mask: input('a') }],
  ['the markup', { ...request, markup: input('a') }],
  ['both masks', { ...request, mask: input('a'), markup: input('a') }],
]

test.each(changes)('%s changes the identity of a request', (_, changed) => {
  expect(fingerprint(changed, 'public')).not.toBe(fingerprint(request, 'public'))
})

test('no two requests of this file have one identity', () => {
  const all = [request, ...changes.map(([, changed]) => changed)].map((each) => fingerprint(each, 'public'))
  expect(new Set(all).size).toBe(all.length)
})

test('the scopes share no identity', () => {
  const all = ['public', 'team-1', 'team-2', ''].map((scope) => fingerprint(request, scope))
  expect(new Set(all).size).toBe(all.length)
})

test('the fingerprint leaves its request unchanged', () => {
  const before = structuredClone(edit)
  fingerprint(edit, 'public')
  expect(edit).toEqual(before)
})
