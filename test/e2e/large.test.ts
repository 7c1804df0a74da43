import { expect, test } from 'vitest'
import { full } from '../support/full.ts'
import { digestAnswer } from './support/answer-digest.ts'
import { decodePng, pngFile, sha256, sha256OfFile } from './support/pictures.ts'
import { served } from './support/served.ts'

const running = served()

/** Up to the most that one request can have. */
const PICTURES = full ? 10 : 4

test(`${PICTURES} pictures of 20 MB pass through, as base64 and behind links`, { timeout: 300_000 }, async () => {
  const prompt = 'A mountain range @bytes=20000000'
  const response = await running.gateway
    .sdk()
    .images.generate({ model: 'gpt-image-2', prompt, n: PICTURES })
    .asResponse()
  if (!response.body) throw new Error('the answer has no body')
  const { pictures, text } = await digestAnswer(response.body)
  expect(pictures.map(({ bytes }) => bytes)).toEqual(Array.from({ length: PICTURES }, () => 20_000_000))
  expect(new Set(pictures.map((picture) => picture.sha256)).size).toBe(PICTURES)

  const links = Array.from(text.matchAll(/"url":"([^"]+)"/g), ([, link = '']) => link)
  const linked: string[] = []
  for (const link of links) {
    const png = Buffer.from(await (await fetch(link)).arrayBuffer())
    expect(decodePng(png)).toEqual({ width: 16, height: 16 })
    linked.push(sha256(png))
  }
  expect(linked).toEqual(pictures.map((picture) => picture.sha256))
  expect(await running.upstream.callsFor(prompt)).toHaveLength(1)
})

test('an edit with 90 MB of files reaches the upstream byte for byte', { timeout: 300_000 }, async () => {
  const image = await Promise.all(['north', 'south'].map((seed) => pngFile(`${seed}.png`, seed, 45_000_000)))
  const answer = await running.gateway.sdk().images.edit({ model: 'gpt-image-2', prompt: 'Join the two maps', image })
  expect(answer.data).toHaveLength(1)
  const [call] = await running.upstream.callsFor('Join the two maps')
  expect(call?.files.map(({ bytes }) => bytes)).toEqual([45_000_000, 45_000_000])
  expect(call?.files.map((file) => file.sha256)).toEqual(await Promise.all(image.map(sha256OfFile)))
})
