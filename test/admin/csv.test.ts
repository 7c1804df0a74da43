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
  ['\t=1+1', "'\t=1+1"],
  ["@cf/0+cmd|'/C calc'!A1", "'@cf/0+cmd|'/C calc'!A1"],
  ['\r=1+1', '"\'\r=1+1"'],
  ['=HYPERLINK("https://example.com","x")', '"\'=HYPERLINK(""https://example.com"",""x"")"'],
])('%j is no formula in a spreadsheet', (text, written) => {
  expect(csv(['text'], [{ text }])).toBe(`text\r\n${written}\r\n`)
})

test.each([-1, 0.000001, 1e21])('the number %d stays a number', (number) => {
  expect(csv(['number'], [{ number }])).toBe(`number\r\n${number}\r\n`)
})
