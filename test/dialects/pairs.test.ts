import { describe, expect, test } from 'vitest'
import { chained } from '../support/covering'
import { picture } from '../support/pictures'
import { upstreams } from '../support/upstreams'
import { type Question, showsPicture, WAYS, type Way } from '../support/ways'

const { upstream } = upstreams()

const pairsOf = (ways: readonly Way[]): [string, string, Way, Way][] =>
  chained(ways).map(([one, other]) => [one.name, other.name, one, other])

async function asksOnce(question: Question, one: Way, other: Way): Promise<void> {
  const [first, second] = [await one.ask(question), await other.ask(question)]
  expect([showsPicture(await first.text()), showsPicture(await second.text())]).toEqual([true, true])
  expect([first.headers.get('x-cache'), second.headers.get('x-cache')]).toEqual(['MISS', 'HIT'])
  expect(upstream.calls).toHaveLength(1)
}

describe('a picture requested in one wire format is cached for the other', () => {
  test.each(pairsOf(WAYS))('%s, %s', (_, __, one, other) => asksOnce({ prompt: 'A cat' }, one, other))
})

describe('so is one with white space around its prompt', () => {
  test.each(pairsOf(WAYS))('%s, %s', (_, __, one, other) => asksOnce({ prompt: ' A cat\n' }, one, other))
})

describe('so is one of a size, in pixels or as ratio and resolution', () => {
  const size = { pixels: '2048x1152', ratio: '16:9', resolution: '2K' }
  test.each(pairsOf(WAYS))('%s, %s', (_, __, one, other) => asksOnce({ prompt: 'A wide cat', size }, one, other))
})

describe('so is an edit', () => {
  test.each(pairsOf(WAYS))('%s, %s', async (_, __, one, other) => {
    const dataUrl = `data:image/png;base64,${(await picture('a cat')).toBase64()}`
    await asksOnce({ prompt: 'Make it blue', picture: dataUrl }, one, other)
  })
})
