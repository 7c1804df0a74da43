import { describe, expect, test } from 'vitest'
import { addressIn, illustrated, piecesOf } from '../../src/image/markdown-images'
import type { Bytes } from '../../src/streams/bytes'
import { decodeAll, encode, oddSplits, passing, pieces } from '../streams/splits'

/** Base64 as long as that of the smallest pictures. */
const A = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB'
const B = '/9j/4AAQSkZJRgABAQEAAAAAAAAAAAAAAAAA+w=='
const url = (base64: string, head = 'image/png'): string => `data:${head};base64,${base64}`

/** A text as strings, and its pictures as lists of their base64. */
async function cut(bytes: Bytes): Promise<(string | string[])[]> {
  const found: (string | string[])[] = []
  for await (const piece of piecesOf(bytes)) {
    const last = found.at(-1)
    if (typeof piece !== 'string') found.push([await decodeAll(piece)])
    else if (typeof last === 'string') found[found.length - 1] = last + piece
    else if (piece !== '') found.push(piece)
  }
  return found
}

describe('a text, however it is split,', () => {
  test.each<[string, string, (string | string[])[]]>([
    ['that is empty', '', []],
    ['without a picture', 'A cat on a mat.\n', ['A cat on a mat.\n']],
    ['that is a picture', url(A), [[A]]],
    ['with a picture in Markdown', `Here: ![cat](${url(A)}) Well?`, ['Here: ![cat](', [A], ') Well?']],
    ['with two pictures in a row', `${url(A)} ${url(B, 'image/jpeg')}`, [[A], ' ', [B]]],
    ['with a picture to the end of a line', `${url(B)}\nAnd more`, [[B], '\nAnd more']],
    ['with a media type and a parameter', url(A, 'image/svg+xml;name=a.svg'), [[A]]],
    ['of many languages', `é€😀 ${url(A)} ß語`, ['é€😀 ', [A], ' ß語']],
    ['with a byte order mark', `\ufeffa${url(A)}\ufeffb`, ['\ufeffa', [A], '\ufeffb']],
    ['with a picture of another kind', `${url(A, 'text/plain')} x`, [`${url(A, 'text/plain')} x`]],
    [
      'that explains data URLs',
      'Send data:image/png;base64,iVBORw0K… to me',
      ['Send data:image/png;base64,iVBORw0K… to me'],
    ],
    ['with half a data URL at its end', 'See data:image/', ['See data:image/']],
    ['with a beginning of one before another', `data:imdata:image/${url(A)}`, ['data:imdata:image/', [A]]],
    ['with an SVG that is not base64', 'data:image/svg+xml;utf8,<svg/>', ['data:image/svg+xml;utf8,<svg/>']],
  ])('%s keeps its words and yields its pictures', async (_, text, expected) => {
    expect(await oddSplits(encode(text), cut, expected)).toEqual([])
  })

  test('with a picture of megabytes yields it byte for byte', async () => {
    const base64 = 'iVBORw0KGgo+/'.repeat(400_000)
    for (const size of [1000, 65_536, 131_072]) {
      expect(await cut(passing(pieces(encode(`a ${url(base64)}) b`), size)))).toEqual(['a ', [base64], ') b'])
    }
  })
})

test('keeps the words behind a picture that the reader skips', async () => {
  const words: string[] = []
  for await (const piece of piecesOf(passing(pieces(encode(`a ${url(B)} b`), 7)))) {
    if (typeof piece === 'string') words.push(piece)
  }
  expect(words.join('')).toBe('a  b')
})

describe('words and pictures', () => {
  const [one, two] = [{ name: 'one' }, { name: 'two' }]
  const linked = (name: string): { name: string } => ({ name })

  test.each<[string, (string | { name: string })[], string, string[]]>([
    ['by itself', ['A ', one, ' B'], 'A  B', ['one']],
    ['in Markdown', ['A ![a cat](', one, ') B'], 'A  B', ['one']],
    ['in Markdown with a title', ['![](<', one, '> "A cat") B'], ' B', ['one']],
    ['beside another', ['![a](', one, ') ![b](', two, ')'], ' ', ['one', 'two']],
    [
      'between links',
      ['![a](https://a.example/a) ', one, ' ![](https://a.example/b)'],
      '  ',
      ['https://a.example/a', 'one', 'https://a.example/b'],
    ],
    [
      'that is linked to',
      ['See [![a](https://a.example/a.png?x=1&y=2)](https://b.example)'],
      'See [](https://b.example)',
      ['https://a.example/a.png?x=1&y=2'],
    ],
    ['that is linked to with a title', ["![a](https://a.example/a 'A cat')!"], '!', ['https://a.example/a']],
    [
      'without a link',
      ['[a](https://a.example/a) https://a.example/b ![a](b.png) ![a]'],
      '[a](https://a.example/a) https://a.example/b ![a](b.png) ![a]',
      [],
    ],
    ['opened and not closed', ['![a](', one, ' B'], ' B', ['one']],
  ])('a picture %s', (_, pieces, text, names) => {
    const told = illustrated(pieces, linked)
    expect([told.text, told.pictures.map(({ name }) => name)]).toEqual([text, names])
  })

  test.each(['![', '![](', '![a](https://a.example/a "', '![a](https://a.example/a '.padEnd(90), '![a](   ', '[!'])(
    'a text of nothing but %j is read in linear time',
    (odd) => {
      const text = odd.repeat(1_000_000 / odd.length)
      expect(illustrated([text, one, text], linked).pictures).toEqual([one])
    },
  )
})

test('words pass as soon as no picture can begin in them', async () => {
  const seen: string[] = []
  for await (const piece of piecesOf(passing(['> 40%', 'a d', 'ata:', 'x'].map(encode)))) {
    if (typeof piece === 'string' && piece !== '') seen.push(piece)
  }
  expect(seen).toEqual(['> 40%', 'a ', 'data:x'])
})

describe('the address of a picture', () => {
  test.each([
    ['in Markdown, before any other', 'https://a.example/a.png ![b](https://b.example/b)', 'https://b.example/b'],
    ['by its ending', 'See https://a.example/a (or https://b.example/b.webp?x=1).', 'https://b.example/b.webp?x=1'],
    ['alone on its line', '> 100%\n  <https://a.example/a>\r\nBye', 'https://a.example/a'],
    ['nowhere else', 'See https://a.example/a.pngs or [b](https://b.example/b)', undefined],
  ])('is found %s', (_, text, address) => {
    expect(addressIn(text)).toBe(address)
  })

  test.each(['https://', 'https://a.png', '\n', '> ', '![', 'a.png?'])(
    'a search in nothing but %j takes linear time',
    (odd) => {
      expect(addressIn(`${odd.repeat(64_000 / odd.length)} "`)?.length ?? 0).toBeLessThan(70_000)
    },
  )
})
