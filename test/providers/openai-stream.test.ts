import { describe, expect, test, vi } from 'vitest'
import { type Reader, asking, askingToEdit, look, run } from '../support/provider-run'
import { SteppedUpstream } from '../support/stepped-upstream'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const ACCEPTED = { type: 'accepted', organization: 'org-upstream' }
const PNG = expect.stringMatching(/^\d+ PNG$/)
const partial = (index: number, partial: number): object => ({ type: 'partial', index, partial, picture: PNG })
const image = (index: number): object => ({ type: 'image', index, picture: PNG })
const SUMMARY = { type: 'summary' }
const ONE_WITH_TWO = [ACCEPTED, partial(0, 0), partial(0, 1), image(0), SUMMARY]

const sent = (): object[] => upstream.calls.map(({ path, fields, files }) => ({ path, fields, files: files.length }))
const outcomes = (): string[] => upstream.calls.map(({ outcome }) => outcome)

describe('requests', () => {
  test('a stream with previews for a caller with previews', async () => {
    await run(asking('A cat', { n: 2, quality: 'low', partials: 3 }))
    const fields = { model: 'gpt-image-2', prompt: 'A cat', n: 2, quality: 'low', stream: true, partial_images: 3 }
    expect(sent()).toStrictEqual([{ path: '/v1/images/generations', fields, files: 0 }])
    expect(Object.keys(upstream.calls[0]?.headers ?? {}).toSorted()).toEqual(['authorization', 'content-type'])
  })

  test('the same of an edit, as texts', async () => {
    await run(askingToEdit('Tidy up', { partials: 1 }))
    const fields = { model: 'gpt-image-2', prompt: 'Tidy up', stream: 'true', partial_images: '1' }
    expect(sent()).toStrictEqual([{ path: '/v1/images/edits', fields, files: 1 }])
  })

  test.each([
    ['a generation', asking('A cat', { partials: 0 })],
    ['an edit', askingToEdit('A cat', { partials: 0 })],
  ])('no stream for previews of %s', async (_, request) => {
    expect(await run(request)).toMatchObject([ACCEPTED, image(0), SUMMARY])
    expect(upstream.calls.map(({ fields }) => fields)).toStrictEqual([{ model: 'gpt-image-2', prompt: 'A cat' }])
  })

  test.each([
    ['a generation', asking('A cat @no-stream', { n: 2 }), { n: 2 }],
    ['an edit', askingToEdit('A cat @no-stream', { n: 2 }), { n: '2' }],
    ['a format that it refuses without a reason', asking('A cat @no-stream=unnamed'), {}],
    [
      'an image without previews',
      asking('A cat', { model: 'gpt-image-2.6-sunburst', format: 'svg' }),
      { output_format: 'svg' },
    ],
  ])('no stream after an upstream has refused one for %s', async (_, request, more) => {
    const told = await run(request, { reader: async () => '' })
    const pictures = Array.from({ length: request.n }, (_, index) => ({ type: 'image', index }))
    expect(told).toMatchObject([ACCEPTED, ...pictures, SUMMARY])
    expect(upstream.calls.map(({ fields }) => Object.keys(fields).includes('stream'))).toEqual([true, false])
    expect(upstream.calls[1]?.fields).toStrictEqual({ model: request.model, prompt: request.prompt, ...more })
  })

  test.each([
    ['after another refusal', asking('A cat', { size: '9x9' }), 'rejected', 'size'],
    ['without a stream', asking('A cat', { partials: 0, extras: { stream: 1 } }), 'rejected', 'stream'],
  ])('nothing a second time %s', async (_, request, kind, param) => {
    expect(await run(request)).toMatchObject([{ kind, facts: { failure: { param } } }])
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('reports', () => {
  test.each([1, 2, 3])('a picture behind its previews, %i of them', async (count) => {
    const previews = Array.from({ length: count }, (_, each) => partial(0, each))
    expect(await run(asking('A cat', { partials: count }))).toMatchObject([ACCEPTED, ...previews, image(0), SUMMARY])
    expect(outcomes()).toEqual(['answered'])
  })

  test.each(['', '@nameless', '@done', '@nameless @done', '@as=escaped', '@pace=1', '@pictures=3'])(
    'several pictures, each behind its own previews (%s)',
    async (markers) => {
      const pictures = [0, 1].flatMap((index) => [partial(index, 0), partial(index, 1), image(index)])
      const told = await run(asking(`Cats ${markers} @bytes=100000`, { n: 2 }))
      expect(told).toMatchObject([ACCEPTED, ...pictures, SUMMARY])
      expect(new Set(told.map((each) => ('picture' in each ? each.picture : '')))).toEqual(new Set(['', '100000 PNG']))
    },
  )

  test('the pictures of an edit', async () => {
    expect(await run(askingToEdit('Tidy up'))).toMatchObject(ONE_WITH_TWO)
  })

  test('the usage of all pictures together and of each, and the format of the last one', async () => {
    const said = { size: '1024x1536', quality: 'medium', background: 'opaque', format: 'webp' }
    const told = await run(asking('Two cats', { ...said, n: 2 }))
    // The prompt is 2 tokens, each picture 1372 (protocols §1.9) and each preview 100.
    const output = 2 * (1372 + 200)
    const usage = { input: 4, inputDetails: { text: 4, image: 0 }, output, total: 4 + output }
    const usageOfEach = { input: 2, inputDetails: { text: 2, image: 0 }, output: output / 2, total: 2 + output / 2 }
    expect(told.at(-1)).toEqual({
      type: 'summary',
      summary: { ...said, usage, usageOfEach, revisedPrompts: [undefined, undefined] },
    })
    expect(upstream.calls[0]?.tokens).toEqual({ input: 4, output })
  })

  test('a preview before the rest of the stream arrives', async () => {
    const stepped = new SteppedUpstream(upstream, 1)
    let seen = 0
    const watch: Reader = async (bytes, event) => {
      const picture = await look(bytes, event)
      seen += 1
      return picture
    }
    const running = run(asking('A cat', { partials: 1 }), { reader: watch })
    await vi.waitUntil(() => seen === 1)
    stepped.open()
    expect(await running).toMatchObject([ACCEPTED, partial(0, 0), image(0), SUMMARY])
  })

  test('an answer in JSON to a request for a stream', async () => {
    expect(await run(asking('Cats @ignores-stream', { n: 2 }))).toMatchObject([ACCEPTED, image(0), image(1), SUMMARY])
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('when the upstream', () => {
  const lost = { kind: 'lost', message: 'broke off its answer' }
  const [first, second] = [partial(0, 0), partial(0, 1)]
  test.each<[string, string, object[]]>([
    ['fails after the previews', 'error-inside', [first, second, { kind: 'unavailable', facts: { status: 200 } }]],
    ['breaks off in a preview', 'cut-partial', [{ kind: 'lost' }]],
    ['breaks off in a picture', 'cut', [first, second, { kind: 'lost' }]],
    [
      'breaks off in the second picture',
      'cut-second',
      [first, second, image(0), partial(1, 0), partial(1, 1), { kind: 'lost' }],
    ],
    ['sends no picture', 'empty', [lost]],
    ['sends a picture that does not decode', 'bad-base64', [first, second, { kind: 'lost' }]],
    [
      'sends a preview that does not decode',
      'bad-partial',
      [{ ...first, picture: 'none' }, second, image(0), partial(1, 0), partial(1, 1), image(1), SUMMARY],
    ],
  ])('%s, its earlier pictures are delivered', async (_, fault, told) => {
    expect(await run(asking(`Cats @fault=${fault} @bytes=300000`, { n: 2 }))).toMatchObject([ACCEPTED, ...told])
  })

  test.each([
    ['refuses', '429', 'throttled'],
    ['blocks the request', 'moderation', 'rejected'],
    ['answers with a web page', 'html', 'unavailable'],
  ])('%s instead of a stream, the failure is the usual one', async (_, fault, kind) => {
    expect((await run(asking(`A cat @fault=${fault}`))).at(-1)).toMatchObject({ kind })
  })
})
