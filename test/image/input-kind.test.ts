import { expect, test } from 'vitest'
import { inputTypeOf, kindInWords } from '../../src/image/input-kind'

const bytes = (latin1: string): Uint8Array => Uint8Array.from(latin1, (character) => character.charCodeAt(0))
const box = (brand: string): string => `\0\0\0\x18ftyp${brand}\0\0\0\0`

test.each([
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff\xe1', 'image/jpeg'],
  ['RIFF\x24\0\0\0WEBPVP8 ', 'image/webp'],
  [box('heic'), 'image/heic'],
  [box('heix'), 'image/heic'],
  [box('mif1'), 'image/heif'],
])('%j begins an input picture of %s', (head, type) => {
  expect(inputTypeOf(bytes(head))).toBe(type)
})

test.each([
  [box('heic'), 'a HEIC'],
  [box('msf1'), 'a HEIF'],
  [box('avif'), 'an AVIF'],
  [box('avis'), 'an AVIF'],
  [box('isom'), 'a video'],
  ['GIF89a', 'a GIF'],
  ['BM\x36\0\x0c\0\0\0\0\0', 'a BMP'],
  ['II*\0\x08\0', 'a TIFF'],
  ['MM\0*\0\0', 'a TIFF'],
  ['<?xml version="1.0"?><svg>', 'an SVG'],
  ['%PDF-1.7', 'a PDF'],
  ['\xff\x0a\0', 'a JPEG XL'],
  ['\0\0\x01\0\x01\0', 'an icon (ICO)'],
  ['<!DOCTYPE html><title>', 'a web page'],
  ['\n <html lang="en">', 'a web page'],
  ['{"error":', 'JSON'],
  ['https://example.com/a.png', 'a URL'],
  ['', 'empty'],
  ['BM is a bank', undefined],
  ['a cat', undefined],
])('%j begins a file that is called %s', (head, words) => {
  expect(kindInWords(bytes(head))).toBe(words)
})
