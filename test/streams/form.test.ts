import { env } from 'cloudflare:workers'
import { reset } from 'cloudflare:test'
import { afterEach, expect, test } from 'vitest'
import { collect, readStream } from '../../src/streams/bytes'
import { type FormFile, formBody } from '../../src/streams/form'
import { encode, pieces, streamOf } from './splits'

afterEach(reset)

/** A file that arrives in pieces and records its opening. */
const file = (name: string, content: Uint8Array, opened: string[] = []): FormFile => ({
  name,
  filename: `${name}.png`,
  mediaType: 'image/png',
  bytes: content.length,
  open: async () => {
    opened.push(name)
    return streamOf(pieces(content, 4000))
  },
})

const readBack = ({ contentType, body }: ReturnType<typeof formBody>): Promise<FormData> =>
  new Response(body, { headers: { 'content-type': contentType } }).formData()

const picture = new Uint8Array(100_000).map((_, at) => (at * at) % 251)
const failure = new RangeError('broke off')
const confusing = encode('\r\n--darkroom-\r\ncontent-disposition: form-data; name="x"\r\n\r\n--\r\n')

test.each([
  ['an ordinary value', { prompt: 'a cat', n: '2' }],
  ['an empty value', { prompt: '' }],
  ['line breaks', { prompt: 'a\r\n\r\nb\nc\r' }],
  ['text in UTF-8', { prompt: 'Größe – é😀' }],
  ['text like a boundary', { prompt: '--darkroom-\r\n--\r\n' }],
  ['no fields', {}],
])('a field with %s arrives unchanged', async (_, fields) => {
  expect(Object.fromEntries(await readBack(formBody(fields, [])))).toEqual(fields)
})

test('a value given as one of many stays apart from the others', async () => {
  const form = await readBack(formBody({ a: '1', b: '2', c: '3' }, []))
  expect([...form.keys()]).toEqual(['a', 'b', 'c'])
})

test.each([
  ['an empty file', new Uint8Array(0)],
  ['a file of one byte', new Uint8Array([0])],
  ['a file in many pieces', picture],
  ['a file that looks like a form', confusing],
])('%s arrives byte for byte', async (_, content) => {
  const sent = (await readBack(formBody({}, [file('image', content)]))).get('image')
  expect(sent instanceof File && (await sent.bytes()).toBase64()).toBe(content.toBase64())
})

test('a file keeps its name and media type', async () => {
  const sent = (await readBack(formBody({}, [file('mask', picture)]))).get('mask')
  expect(sent).toMatchObject({ name: 'mask.png', type: 'image/png', size: picture.length })
})

test('files of one name keep their order, after the fields', async () => {
  const form = await readBack(formBody({ prompt: 'a' }, [file('image[]', encode('1')), file('image[]', encode('22'))]))
  const sizes = [...form].map(([name, value]) => [name, value instanceof File ? value.size : value])
  expect(sizes).toEqual([
    ['prompt', 'a'],
    ['image[]', 1],
    ['image[]', 2],
  ])
})

test('each form has a boundary of its own', () => {
  expect(formBody({}, []).contentType).not.toBe(formBody({}, []).contentType)
})

test('the length of a form is known in advance', async () => {
  const { body } = formBody({ prompt: 'Größe' }, [file('image', picture), file('mask', confusing)])
  await expect(env.IMAGES.put('form', body)).resolves.toMatchObject({ key: 'form' })
})

test('a file is opened only when its turn comes', async () => {
  const opened: string[] = []
  const { body } = formBody({ prompt: 'a' }, [file('image', picture, opened), file('mask', picture, opened)])
  for await (const _ of readStream(body)) break
  expect(opened).not.toContain('mask')
})

test.each([
  ['cannot be opened', { open: () => Promise.reject(failure) }],
  ['fails at once', { open: async () => streamOf([], { failure }) }],
  ['fails midway', { open: async () => streamOf([picture.subarray(0, 5000)], { failure }) }],
  ['is shorter than announced', { bytes: picture.length + 1 }],
  ['is longer than announced', { bytes: picture.length - 1 }],
])('a file that %s breaks the body', async (_, wrong) => {
  const { body } = formBody({ prompt: 'a' }, [{ ...file('image', picture), ...wrong }])
  await expect(collect(readStream(body))).rejects.toBeInstanceOf(Error)
})

test('a body breaks off at once when its file breaks off in the middle of its base64', async () => {
  const broken = {
    ...file('a', picture),
    base64: true,
    open: async () => {
      const { readable, writable } = new IdentityTransformStream()
      const writer = writable.getWriter()
      void writer
        .write(picture.subarray(0, 1000))
        .then(() => writer.abort(failure))
        .catch(() => {})
      return readable
    },
  }
  await expect(collect(readStream(formBody({}, [broken]).body))).rejects.toThrow()
})

test('a body without a further reader cancels its file', async () => {
  let cancelled = false
  const pull = (controller: ReadableStreamDefaultController): void => controller.enqueue(new Uint8Array(1000))
  const open = async (): Promise<ReadableStream> => new ReadableStream({ pull, cancel: () => void (cancelled = true) })
  const { body } = formBody({}, [{ ...file('image', picture), bytes: 1_000_000, open }])
  let seen = 0
  for await (const chunk of readStream(body)) if ((seen += chunk.length) > 5000) break
  await expect.poll(() => cancelled).toBe(true)
})
