import { expect, test } from 'vitest'
import { extensionOf, sniff } from '../../src/image/media-type'

/** Bytes as characters of Latin-1. */
const bytes = (latin1: string): Uint8Array => Uint8Array.from(latin1, (character) => character.charCodeAt(0))

const REST = 'x'.repeat(300)

const images: [string, string, string][] = [
  ['a PNG', '\x89PNG\r\n\x1a\n', 'image/png'],
  ['a JPEG of a camera', '\xff\xd8\xff\xe1', 'image/jpeg'],
  ['a JPEG of a scanner', '\xff\xd8\xff\xe0\0\x10JFIF', 'image/jpeg'],
  ['a bare JPEG', '\xff\xd8\xff\xdb', 'image/jpeg'],
  ['a lossy WebP', 'RIFF\x24\0\0\0WEBPVP8 ', 'image/webp'],
  ['a WebP with alpha', 'RIFF\xff\xff\xff\x7fWEBPVP8X', 'image/webp'],
  ['a GIF of 1987', 'GIF87a', 'image/gif'],
  ['a GIF of 1989', 'GIF89a', 'image/gif'],
  ['an AVIF', '\0\0\0\x20ftypavif\0\0\0\0', 'image/avif'],
  ['a bare SVG', '<svg xmlns="http://www.w3.org/2000/svg">', 'image/svg+xml'],
  ['an SVG after white space', '\r\n\t <svg\n', 'image/svg+xml'],
  ['an SVG after an XML declaration', '<?xml version="1.0" encoding="UTF-8"?>\n<svg>', 'image/svg+xml'],
  ['an SVG after a comment', '<?xml version="1.0"?>\n<!-- by a program\n<b> -->\n<svg >', 'image/svg+xml'],
  ['an SVG after a byte order mark', '\xef\xbb\xbf<svg>', 'image/svg+xml'],
  [
    'an SVG after a document type',
    '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n<svg>',
    'image/svg+xml',
  ],
]

test.each(images)('%s is known by its first bytes', (_, head, mediaType) => {
  expect(sniff(bytes(head + REST))).toBe(mediaType)
})

test.each(images)('%s is known at the end of the file', (_, head, mediaType) => {
  expect(sniff(bytes(head))).toBe(mediaType)
})

test.each([
  ['a PNG', '\x89PNG\r\n\x1a\n'],
  ['a JPEG', '\xff\xd8\xff'],
  ['a WebP', 'RIFF\x24\0\0\0WEBP'],
  ['a GIF', 'GIF8'],
  ['an AVIF', '\0\0\0\x20ftypavif'],
  ['an SVG', '<svg>'],
])('%s cut off within its first bytes is no image', (_, head) => {
  const known = Array.from(head, (_, length) => sniff(bytes(head.slice(0, length)))).filter(Boolean)
  expect(known).toEqual([])
})

test.each([
  ['nothing', ''],
  ['zeros', '\0'.repeat(64)],
  ['text', 'a picture of a cat'],
  ['HTML', '<!doctype html><html><svg></svg></html>'],
  ['HTML without a type', '<html><body><svg>'],
  ['XML of another kind', '<?xml version="1.0"?><rss><svg>'],
  ['JSON', '{"error":{"message":"<svg>"}}'],
  ['a PDF', '%PDF-1.7\n'],
  ['nothing but comments', '<!---->'.repeat(36)],
  ['a BMP', 'BM\x36\0\0\0'],
  ['a TIFF', 'II*\0'],
  ['an icon', '\0\0\x01\0'],
  ['an MP4', '\0\0\0\x20ftypisom'],
  ['a HEIC', '\0\0\0\x18ftypheic'],
  ['a WAV', 'RIFF\x24\0\0\0WAVEfmt '],
  ['text with WEBP in it', 'I asked WEBPicture'],
  ['a PNG damaged by a text transfer', '\x89PNG\n\x1a\n'],
  ['a PNG not at its beginning', ' \x89PNG\r\n\x1a\n'],
  ['a tag with a name that begins with svg', '<svgfoo>'],
])('%s is no image', (_, head) => {
  expect(sniff(bytes(head))).toBeUndefined()
})

test('only the first bytes are read', () => {
  expect(sniff(bytes(`${' '.repeat(100_000)}<svg>`))).toBeUndefined()
})

test.each([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/webp', 'webp'],
  ['image/gif', 'gif'],
  ['image/avif', 'avif'],
  ['image/svg+xml', 'svg'],
  ['image/tiff', 'bin'],
])('a file of type %s is named .%s', (mediaType, extension) => {
  expect(extensionOf(mediaType)).toBe(extension)
})
