import { expect, test } from 'vitest'
import { spliced } from '../../src/streams/spliced'
import { decodeAll, encode, passing, splits } from './splits'

test.each([
  ['in the middle', { from: 3, to: 5 }, 'abcXYZfgh'],
  ['at the beginning', { from: 0, to: 2 }, 'XYZcdefgh'],
  ['at the end', { from: 6, to: 8 }, 'abcdefXYZ'],
  ['instead of everything', { from: 0, to: 8 }, 'XYZ'],
  ['between two', { from: 4, to: 4 }, 'abcdXYZefgh'],
  ['before all', { from: 0, to: 0 }, 'XYZabcdefgh'],
  ['behind all', { from: 8, to: 8 }, 'abcdefghXYZ'],
])('other bytes are put %s', async (_, place, expected) => {
  for (const { how, chunks } of splits(encode('abcdefgh'))) {
    const all = await decodeAll(spliced(passing(chunks), place, encode('XYZ')))
    expect([how, all]).toEqual([how, expected])
  }
})
