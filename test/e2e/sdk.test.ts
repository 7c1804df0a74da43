import { OpenAI } from 'openai'
import { beforeAll, expect, test } from 'vitest'
import { decoded, decodePng, fetched, pngFile, sha256, sha256OfFile } from './support/pictures.ts'
import { served } from './support/served.ts'

const running = served()
let client: OpenAI

beforeAll(() => {
  client = running.gateway.sdk()
})
test('the unmodified OpenAI client gets a picture that decodes', async () => {
  const answer = await client.images.generate({ model: 'gpt-image-2', prompt: 'A lighthouse at dusk' })
  const [png] = decoded(answer)
  expect(decodePng(png ?? Buffer.alloc(0))).toEqual({ width: 16, height: 16 })
  expect(answer.usage?.output_tokens).toBeGreaterThan(0)
  expect(await running.upstream.callsFor('A lighthouse at dusk')).toHaveLength(1)
})

test('a picture arrives byte for byte as the upstream made it', async () => {
  const prompt = 'A harbour @as=url @bytes=700000'
  const before = (await running.upstream.calls()).length
  const [png] = decoded(await client.images.generate({ model: 'relay-1', prompt, response_format: 'b64_json' }))
  const [, file] = (await running.upstream.calls()).slice(before)
  const made = await fetch(`${running.upstream.origin}${file?.path}`)
  expect(png?.equals(Buffer.from(await made.arrayBuffer()))).toBe(true)
})

test('the link and the base64 of a picture hold the same bytes', async () => {
  const prompt = 'A windmill @bytes=300000'
  const asUrl = await client.images.generate({ model: 'gpt-image-2', prompt, response_format: 'url' })
  const asBase64 = await client.images.generate({ model: 'gpt-image-2', prompt, response_format: 'b64_json' })
  expect(asUrl.data?.map(Object.keys)).toEqual([['url', 'revised_prompt']])
  expect(asBase64.data?.map(Object.keys)).toEqual([['b64_json', 'revised_prompt']])
  const [[linked], [encoded]] = [await fetched(asUrl), decoded(asBase64)]
  expect(linked).toHaveLength(300_000)
  expect(encoded && linked?.equals(encoded)).toBe(true)
  expect(await running.upstream.callsFor(prompt)).toHaveLength(1)
})

test('without response_format an answer holds both, the base64 and the link', async () => {
  const answer = await client.images.generate({ model: 'gpt-image-2', prompt: 'A watermill' })
  expect(decoded(answer)).toEqual(await fetched(answer))
})

test('n = 3 gives three different pictures', async () => {
  const answer = await client.images.generate({ model: 'gpt-image-2', prompt: 'Three ships', n: 3 })
  expect(new Set(decoded(answer).map(sha256)).size).toBe(3)
  expect(await fetched(answer)).toEqual(decoded(answer))
})

test('a Chinese prompt reaches the upstream unaltered', async () => {
  const prompt = '水墨画:黄昏的灯塔,“孤帆远影碧空尽”🏮'
  const answer = await client.images.generate({ model: 'gpt-image-2', prompt, size: '1536x1024', quality: 'low' })
  expect(answer.data).toHaveLength(1)
  const [call] = await running.upstream.callsFor(prompt)
  expect(call?.fields).toEqual({ model: 'gpt-image-2', prompt, size: '1536x1024', quality: 'low' })
})

test('an edit sends its file to the upstream byte for byte', async () => {
  const image = await pngFile('kitchen.png', 'kitchen', 400_000)
  const answer = await client.images.edit({ model: 'gpt-image-2', prompt: 'Paint it blue', image })
  expect(decoded(answer)).toHaveLength(1)
  const [call] = await running.upstream.callsFor('Paint it blue')
  expect(call?.files).toEqual([
    { name: 'image', filename: 'image.png', type: 'image/png', bytes: 400_000, sha256: await sha256OfFile(image) },
  ])
})

test('an edit sends several files and a mask in the order in which they were given', async () => {
  const image = await Promise.all(['sofa', 'lamp', 'rug'].map((seed) => pngFile(`${seed}.png`, seed, 50_000)))
  const mask = await pngFile('mask.png', 'mask', 20_000)
  await client.images.edit({ model: 'gpt-image-2', prompt: 'A room of these', image, mask, n: 2 })
  const [call] = await running.upstream.callsFor('A room of these')
  const hashes = await Promise.all([...image, mask].map(sha256OfFile))
  expect(call?.files.map(({ name, filename }) => [name, filename])).toEqual([
    ['image[]', 'image.png'],
    ['image[]', 'image.png'],
    ['image[]', 'image.png'],
    ['mask', 'mask.png'],
  ])
  expect(call?.files.map((file) => file.sha256)).toEqual(hashes)
  expect(call?.fields['n']).toBe('2')
})

test('a variation is made as an edit of its picture', async () => {
  const before = (await running.upstream.calls()).length
  const image = await pngFile('cat.png', 'cat')
  const { response, data } = await client.images.createVariation({ image }).withResponse()
  expect(data.data).toHaveLength(1)
  expect(response.headers.get('x-adjusted')).toContain('variation>edit')
  const [call] = (await running.upstream.calls()).slice(before)
  expect(call?.path).toBe('/v1/images/edits')
  expect(call?.files.map((file) => file.sha256)).toEqual([await sha256OfFile(image)])
})
