import { expect, test } from 'vitest'
import { type Bytes, collect, readStream } from '../../src/streams/bytes'
import { MultipartStream, boundaryOf } from '../../src/streams/multipart'
import { decode, decodeAll, encode, oddSplits, passing, pieces } from './splits'

type Read = [name: string, text: string]

const partsOf =
  (boundary: string) =>
  async (bytes: Bytes): Promise<Read[]> => {
    const parts: Read[] = []
    for await (const { name, bytes: content } of new MultipartStream(bytes, boundary).parts()) {
      parts.push([name, await decodeAll(content)])
    }
    return parts
  }

const lines = (...all: string[]): Uint8Array => encode(all.join('\r\n'))
const field = (name: string, value: string): string[] => [`content-disposition: form-data; name="${name}"`, '', value]

/** A form with boundary `b1` and one part with the given disposition. */
const withDisposition = (disposition: string): Uint8Array =>
  lines('--b1', `Content-Disposition: form-data; ${disposition}`, '', 'x', '--b1--', '')

const forms: [string, Uint8Array, Read[]][] = [
  ['no parts', lines('--b1--', ''), []],
  ['no line break at its end', lines('--b1', ...field('a', 'x'), '--b1--'), [['a', 'x']]],
  ['a line break before it', lines('', '--b1', ...field('a', 'x'), '--b1--'), [['a', 'x']]],
  ['a preamble', lines('before', '-b1 --b1', '--b1', ...field('a', 'x'), '--b1--'), [['a', 'x']]],
  [
    'blanks behind its boundaries',
    lines('--b1 \t', ...field('a', 'x'), '--b1 ', ...field('b', 'y'), '--b1--  '),
    [
      ['a', 'x'],
      ['b', 'y'],
    ],
  ],
  [
    'a folded header',
    lines('--b1', 'content-disposition: form-data;', ' filename="f";', '\tname="a"', '', 'x', '--b1--'),
    [['a', 'x']],
  ],
  [
    'a Windows path as its file name, as older clients write it',
    withDisposition('filename="C:\\dir\\"; name="image"'),
    [['image', 'x']],
  ],
  ['a disposition that ends in a semicolon', withDisposition('name = "a" ; '), [['a', 'x']]],
  ['two names', withDisposition('name="a"; name="b"'), [['a', 'x']]],
  [
    'a part as base64',
    lines('--b1', 'Content-Transfer-Encoding: BASE64', ...field('a', 'aGVs\r\nbG8='), '--b1--'),
    [['a', 'hello']],
  ],
  ['an epilogue', lines('--b1', ...field('a', 'x'), '--b1--', 'anything', '--b1'), [['a', 'x']]],
  [
    'an empty part',
    lines('--b1', ...field('a', ''), '--b1', ...field('b', ''), '--b1--'),
    [
      ['a', ''],
      ['b', ''],
    ],
  ],
  [
    'other headers around the disposition',
    lines(
      '--b1',
      'Content-Type: image/png',
      'CONTENT-DISPOSITION:form-data;name="a";filename="b.png"',
      'X-A: b',
      '',
      'x',
      '--b1--',
    ),
    [['a', 'x']],
  ],
  ['an empty file name', withDisposition('name="a"; filename=""'), [['a', 'x']]],
  ['a file name before the name', withDisposition('filename="f"; name="a"'), [['a', 'x']]],
  ['a name in brackets', withDisposition('name="image[]"; filename="a b;c.png"'), [['image[]', 'x']]],
  ['UTF-8 in its names', withDisposition('name="größe"; filename="日本😀.png"'), [['größe', 'x']]],
  [
    'quotes in its names as browsers write them',
    withDisposition('name="a%22b%0D%0Ac"; filename="%22"'),
    [['a"b\r\nc', 'x']],
  ],
  ['quotes in its names as curl writes them', withDisposition('name="a\\"b"; filename="c\\\\d"'), [['a"b', 'x']]],
  [
    'names without quotes, as .NET writes them',
    withDisposition("name=a; filename=b.png; filename*=utf-8''b.png"),
    [['a', 'x']],
  ],
  ['a file name that looks like a name', withDisposition('name="a"; filename="; name=b; name=c"'), [['a', 'x']]],
  ['a file name before it that looks like a name', withDisposition('filename="; name="; name="a"'), [['a', 'x']]],
  ['content that ends in line breaks', lines('--b1', ...field('a', 'x\r\n\r\n'), '--b1--'), [['a', 'x\r\n\r\n']]],
  ['content that begins with a line break', lines('--b1', ...field('a', '\r\nx'), '--b1--'), [['a', '\r\nx']]],
  ['content of dashes', lines('--b1', ...field('a', '--\r\n--\r\n----'), '--b1--'), [['a', '--\r\n--\r\n----']]],
  [
    'content like its boundary',
    lines('--b1', ...field('a', '--b1\r\n--b\r\n-b1\r\r\n--b'), '--b1--'),
    [['a', '--b1\r\n--b\r\n-b1\r\r\n--b']],
  ],
  [
    'content like a head',
    lines('--b1', ...field('a', field('b', 'x').join('\r\n')), '--b1--'),
    [['a', field('b', 'x').join('\r\n')]],
  ],
]

test.each(forms)('a form with %s is read, however it is split', async (_, bytes, expected) => {
  expect(await oddSplits(bytes, partsOf('b1'), expected)).toEqual([])
})

test('a boundary with the special characters of patterns is taken literally', async () => {
  const boundary = "a.*+?'()/:=-_,b"
  const form = lines(`--${boundary}`, ...field('a', '--axxx'), `--${boundary}--`)
  expect(await oddSplits(form, partsOf(boundary), [['a', '--axxx']])).toEqual([])
})

test('a form of the platform is read unchanged', async () => {
  const written = new FormData()
  const picture = new Uint8Array(200_000).map((_, at) => (at * at) % 251)
  written.append('prompt', 'A "quoted" prompt\r\nwith – é😀')
  written.append('empty', '')
  written.append('a "name"', 'x')
  written.append('image[]', new File([picture], 'größe "1".png', { type: 'image/png' }))
  written.append('image[]', new File([], 'empty.png'))
  const request = new Request('https://example.com', { method: 'POST', body: written })
  const parts: unknown[] = []
  const boundary = boundaryOf(request.headers.get('content-type') ?? undefined) ?? ''
  for await (const { name, bytes } of new MultipartStream(
    readStream(request.body ?? new ReadableStream()),
    boundary,
  ).parts()) {
    const content = await collect(bytes)
    parts.push([name, content.length > 1000 ? content.toBase64() === picture.toBase64() : decode(content)])
  }
  expect(parts).toEqual([
    ['prompt', 'A "quoted" prompt\r\nwith – é😀'],
    ['empty', ''],
    ['a "name"', 'x'],
    ['image[]', true],
    ['image[]', ''],
  ])
})

test('a long file full of beginnings of the boundary is read byte for byte', async () => {
  const picture = '\r\n--b\r\n--\r\n\r\r\n--b2'.repeat(20_000)
  const form = lines('--b1', ...field('image', picture), '--b1', ...field('a', 'x'), '--b1--')
  for (const size of [999, 4096, 65_536, 131_072]) {
    const [image, after] = await partsOf('b1')(passing(pieces(form, size)))
    expect(image?.[1] === picture).toBe(true)
    expect(after).toEqual(['a', 'x'])
  }
})

const three = lines(
  '--b1',
  ...field('a', 'one\r\n--b'),
  '--b1',
  ...field('b', 'two'),
  '--b1',
  ...field('c', 'three'),
  '--b1--',
)

test('an unread part does not hide those after it', async () => {
  const namesOf = async (bytes: Bytes): Promise<string[]> => {
    const names: string[] = []
    for await (const { name } of new MultipartStream(bytes, 'b1').parts()) names.push(name)
    return names
  }
  expect(await oddSplits(three, namesOf, ['a', 'b', 'c'])).toEqual([])
})

test('a partly read part does not hide those after it', async () => {
  const leaveEach = async (bytes: Bytes): Promise<string[]> => {
    const names: string[] = []
    for await (const { name, bytes: content } of new MultipartStream(bytes, 'b1').parts()) {
      names.push(name)
      for await (const _ of content) break
    }
    return names
  }
  expect(await oddSplits(three, leaveEach, ['a', 'b', 'c'])).toEqual([])
})

test('leaving early cancels the source', async () => {
  let closed = false
  async function* source(): Bytes {
    try {
      yield* passing(pieces(three, 10))
    } finally {
      closed = true
    }
  }
  for await (const _ of new MultipartStream(source(), 'b1').parts()) break
  expect(closed).toBe(true)
})
