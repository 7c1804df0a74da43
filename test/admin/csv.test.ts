import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { csv } from '../../src/wire/csv'

test('a table begins with its column names and ends every line alike', () => {
  expect(
    csv(
      ['a', 'b'],
      [
        { a: 1, b: 'x' },
        { b: 'y', a: 2.5 },
      ],
    ),
  ).toBe('a,b\r\n1,x\r\n2.5,y\r\n')
})

test('a table without rows has its column names', () => {
  expect(csv(['a', 'b'], [])).toBe('a,b\r\n')
})

test.each([
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\nlines', '"two\nlines"'],
  ['two\r\nlines', '"two\r\nlines"'],
  [' spaced ', ' spaced '],
  ['图像', '图像'],
  ['', ''],
  [null, ''],
  [undefined, ''],
  ['@cf/leonardo/phoenix-1.0', '@cf/leonardo/phoenix-1.0'],
])('%j survives a round trip through a reader', (text, written) => {
  expect(csv(['text'], [{ text }])).toBe(`text\r\n${written}\r\n`)
})

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1+1', '"\'\t\'=1+1"'],
  ["@cf/0+cmd|'/C calc'!A1", "'@cf/0+cmd|'/C calc'!A1"],
  ['\r=1+1', '"\'\r\'=1+1"'],
  [';=1+1', '";\'=1+1"'],
  ['x;=1+1', '"x;\'=1+1"'],
  ['x, "@SUM(A1)', '"x,\' ""@SUM(A1)"'],
  ['＝1+1', "'＝1+1"],
  ['x\t－1', '"x\t\'－1"'],
  ['\u200B﹫SUM(A1)', "'\u200B﹫SUM(A1)"],
  ['@cf/a/b;=1', '"\'@cf/a/b;\'=1"'],
  ['=HYPERLINK("https://example.com","x")', '"\'=HYPERLINK(""https://example.com"",""x"")"'],
])('%j is no formula in a spreadsheet', (text, written) => {
  expect(csv(['text'], [{ text }])).toBe(`text\r\n${written}\r\n`)
})

test.each([-1, 0.000001, 1e21])('the number %d stays a number', (number) => {
  expect(csv(['number'], [{ number }])).toBe(`number\r\n${number}\r\n`)
})

/** The characters that decide what readers see, and others. */
const ALPHABET = Array.from(',;\t\r\n"\' \u00A0\u200B=+-@＝＋－＠﹣−⁼₊x1')

/** The first characters of the cells that a reader with these separators sees, behind blanks and quotes. */
const startsBy = (separators: RegExp, written: string): string[] =>
  written.split(separators).map((cell) => cell.replaceAll(/^[\s\p{C}"]+/gu, '').charAt(0))

test('no reader, by any separator and with quotes or without, finds a cell that starts with a sign', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ALPHABET), { minLength: 1, maxLength: 8 }), (characters) => {
      const written = csv(['text', 'end'], [{ text: characters.join(''), end: 'x' }])
      const starts = [/[,\r\n]/, /[;\r\n]/, /[\t\r\n]/, /[,;\t\r\n]/].flatMap((each) => startsBy(each, written))
      expect(starts.filter((each) => /[=+\-@＝＋－＠﹣−⁼₊]/.test(each))).toEqual([])
    }),
    { numRuns: 5000 },
  )
})
