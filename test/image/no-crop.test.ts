import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { KEY } from '../support/gateway'
import { internet } from '../support/internet'
import { settings } from '../support/settings'
import { SizedUpstream } from '../support/sized-upstream'
import { ask } from '../support/teams'
import { deleteObjects } from '../support/objects'

settings({ TRANSFORMS: undefined })

const upstream = new SizedUpstream()
beforeEach(() => {
  upstream.reset()
  internet({ 'api.openai.com': upstream })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await deleteObjects()
})

async function asked(size: string): Promise<(string | null)[]> {
  const response = await ask(KEY, { size })
  await response.text()
  return ['x-cache', 'x-adjusted'].map((name) => response.headers.get(name))
}

test('without cropping, an adapted size and its nearest size are one picture', async () => {
  expect(await asked('1080x1080')).toEqual(['MISS', 'size=1080x1080>1088x1088'])
  expect(await asked('1088x1088')).toEqual(['HIT', null])
  expect(upstream.bodies).toMatchObject([{ size: '1088x1088' }])
})

test.each([
  ['1200x630', '1200x624'],
  ['1200x675', '1200x672'],
  ['1200x627', '1200x624'],
])('without cropping, %s is made as the nearest size, %s, even a smaller one', async (size, made) => {
  expect(await asked(size)).toEqual(['MISS', `size=${size}>${made}`])
})
