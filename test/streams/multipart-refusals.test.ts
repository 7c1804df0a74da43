import { expect, test } from 'vitest'
import type { Bytes } from '../../src/streams/bytes'
import { MalformedForm, MultipartStream, boundaryOf } from '../../src/streams/multipart'
import { decodeAll, encode, fate, oddSplits, passing, pieces } from './splits'

async function namesOf(bytes: Bytes): Promise<string[]> {
  const names: string[] = []
  for await (const { name, bytes: content } of new MultipartStream(bytes, 'b1').parts()) {
    names.push(name)
    await decodeAll(content)
  }
  return names
}

const lines = (...all: string[]): Uint8Array => encode(all.join('\r\n'))
const field = (name: string, value: string): string[] => [`content-disposition: form-data; name="${name}"`, '', value]

test('a form cut off at any place is refused', async () => {
  const form = lines('--b1', ...field('a', 'x\r\n--b'), '--b1', ...field('b', ''), '--b1--')
  const accepted: string[] = []
  for (let cut = 0; cut < form.length; cut++) {
    for (const chunks of [[form.subarray(0, cut)], pieces(form.subarray(0, cut), 1)]) {
      const outcome = await fate(namesOf(passing(chunks)))
      if (outcome !== 'MalformedForm') accepted.push(`${cut}: ${JSON.stringify(outcome)}`)
    }
  }
  expect(accepted).toEqual([])
})

test.each([
  ['nothing', encode('')],
  ['JSON', encode('{"prompt":"a cat"}')],
  ['another boundary', lines('--b2', ...field('a', 'x'), '--b2--')],
  ['blanks and a word behind its boundary', lines('--b1  x', ...field('a', 'x'), '--b1--')],
  ['blanks without end behind its boundary', lines(`--b1${' '.repeat(2000)}`, ...field('a', 'x'), '--b1--')],
  [
    'a part as quoted-printable',
    lines('--b1', 'content-transfer-encoding: quoted-printable', ...field('a', 'x'), '--b1--'),
  ],
  ['a boundary that goes on', lines('--b1x', ...field('a', 'x'), '--b1--')],
  ['bare line feeds', encode('--b1\ncontent-disposition: form-data; name="a"\n\nx\n--b1--')],
  ['a part without a head', lines('--b1', '', 'x', '--b1', ...field('a', 'y'), '--b1--')],
  ['a part without a disposition', lines('--b1', 'content-type: text/plain', '', 'x', '--b1--')],
  ['a part without a name', lines('--b1', 'content-disposition: form-data; filename="a"', '', 'x', '--b1--')],
  ['another disposition', lines('--b1', 'content-disposition: attachment; name="a"', '', 'x', '--b1--')],
  ['a name that does not end', lines('--b1', 'content-disposition: form-data; name="a', '', 'x', '--b1--')],
  ['a head that does not end', lines('--b1', 'content-disposition: form-data; name="a"', 'x', '--b1--')],
])('%s is no form, however it is split', async (_, bytes) => {
  expect(await oddSplits(bytes, namesOf, 'MalformedForm')).toEqual([])
})

test.each([1000, 16_384, 131_072])('a head of a hundred kilobytes is refused in chunks of %i bytes', async (size) => {
  const form = lines('--b1', `x-long: ${'y'.repeat(100_000)}`, ...field('a', 'x'), '--b1--')
  await expect(namesOf(passing(pieces(form, size)))).rejects.toBeInstanceOf(MalformedForm)
})

test('an endless head is refused before its end', async () => {
  async function* endless(): Bytes {
    yield encode('--b1\r\n')
    for (;;) yield encode('x-long: y\r\n')
  }
  await expect(namesOf(endless())).rejects.toBeInstanceOf(MalformedForm)
})

test('a failure of the bytes reaches the reader', async () => {
  async function* broken(): Bytes {
    yield lines('--b1', ...field('a', 'x'))
    throw new RangeError('connection lost')
  }
  await expect(namesOf(broken())).rejects.toBeInstanceOf(RangeError)
})

test.each([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['multipart/form-data;boundary=abc', 'abc'],
  ['Multipart/Form-Data; Boundary=aBc', 'aBc'],
  ['multipart/form-data; charset=utf-8; boundary=abc', 'abc'],
  ['multipart/form-data; boundary=abc; charset=utf-8', 'abc'],
  ['multipart/form-data; boundary="a b:c;d"', 'a b:c;d'],
  ['multipart/form-data; boundary="abc"', 'abc'],
  ["multipart/form-data; boundary=----'()+_,-./:=?", "----'()+_,-./:=?"],
  ['multipart/form-data ; boundary=abc', 'abc'],
  ['multipart/form-data; x-boundary=no; boundary=abc', 'abc'],
  [`multipart/form-data; boundary=${'a'.repeat(70)}`, 'a'.repeat(70)],
])('the boundary of %j is %j', (contentType, boundary) => {
  expect(boundaryOf(contentType)).toBe(boundary)
})

test.each([
  undefined,
  '',
  'application/json',
  'application/json; boundary=abc',
  'multipart/mixed; boundary=abc',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary=""',
  'text/plain; x="multipart/form-data; boundary=abc"',
  `multipart/form-data; boundary=${'a'.repeat(71)}`,
])('%j names no boundary of a form', (contentType) => {
  expect(boundaryOf(contentType)).toBeUndefined()
})
