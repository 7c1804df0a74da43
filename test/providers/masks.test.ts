import { expect, test } from 'vitest'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs'
import { FakeFal } from '../support/fake-fal'
import { FakeRecraft } from '../support/fake-recraft'
import { FakeReplicate } from '../support/fake-replicate'
import { FakeStability } from '../support/fake-stability'
import { FakeWorkersAi } from '../support/fake-workers-ai'
import { openai } from '../support/gateway'
import { internet } from '../support/internet'
import { alphaMask, BLACK, pixelsOf, pngOf, WHITE } from '../support/masks'
import { picture, pictureFile } from '../support/pictures'
import { playing } from '../support/playing'

const fakes = playing(
  new FakeBlackForestLabs(),
  new FakeFal(),
  new FakeReplicate(),
  new FakeWorkersAi(),
  new FakeRecraft(),
  new FakeStability(),
)

/** A model of each provider with masks, and a reader of the sent mask. */
const MODELS: [model: string, path: string[]][] = [
  ['flux-pro-1.0-fill', ['mask']],
  ['fal-ai/flux-pro/v1/fill', ['mask_url']],
  ['acme/painter', ['mask_url']],
  ['black-forest-labs/flux-fill-pro', ['input', 'mask']],
  ['@cf/runwayml/stable-diffusion-v1-5-inpainting', ['mask']],
]

const within = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

/** The mask as sent: as base64, as a data URL, or as numbers. */
function sentMask(path: readonly string[]): Uint8Array {
  const [submitted] = fakes.flatMap(({ sent }) => sent).filter(({ method }) => method === 'POST')
  const mask = path.reduce(within, submitted?.body)
  if (Array.isArray(mask)) return Uint8Array.from(mask, Number)
  return Uint8Array.fromBase64(String(mask).replace('data:image/png;base64,', ''))
}

const edit = async (model: string, mask: Uint8Array<ArrayBuffer>, type = 'image/png'): Promise<unknown> => {
  const image = await pictureFile('one')
  return await openai().images.edit({ model, prompt: 'A cat', image, mask: new File([mask], 'mask', { type }) })
}

test.each(MODELS)('%s gets transparent pixels as white, and others as black', async (model, path) => {
  await edit(model, await alphaMask(4))
  expect(await pixelsOf(sentMask(path))).toEqual(Array.from({ length: 4 }, () => [WHITE, WHITE, BLACK, BLACK]))
})

/** The same for providers that take a form. */
const FORMS = ['recraftv3', 'stable-image-inpaint']

test.each(FORMS)('%s gets a file in white and black likewise', async (model) => {
  const masks: Uint8Array[] = []
  const hosts = fakes.map((fake) => [
    new URL(fake.origin).hostname,
    {
      handle: async (request: Request) => {
        const mask = (await request.clone().formData()).get('mask')
        if (mask instanceof File) masks.push(new Uint8Array(await mask.arrayBuffer()))
        return await fake.handle(request)
      },
    },
  ])
  internet(Object.fromEntries(hosts))
  await edit(model, await alphaMask(4))
  expect(await Promise.all(masks.map(pixelsOf))).toEqual([
    Array.from({ length: 4 }, () => [WHITE, WHITE, BLACK, BLACK]),
  ])
})

test.each(MODELS)('%s gets a mask without transparency unchanged', async (model, path) => {
  const mask = await picture('mask')
  await edit(model, mask)
  expect(sentMask(path)).toEqual(mask)
})

test.each(MODELS)('%s is not called with an unreadable mask', async (model) => {
  const mask = await pngOf({ width: 1, height: 1, depth: 8, colour: 6, pixel: () => [1, 2, 3, 0], isInterlaced: true })
  const refused = { status: 400, param: 'mask', code: 'invalid_image_file' }
  await expect(edit(model, mask)).rejects.toMatchObject(refused)
  await expect(edit(model, Uint8Array.from(Buffer.from('RIFF1234WEBPVP8L')))).rejects.toMatchObject(refused)
  expect(fakes.flatMap(({ sent }) => sent)).toEqual([])
})

test('a JPEG, which has no transparency, is sent unchanged', async () => {
  const mask = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3)
  await edit('flux-pro-1.0-fill', mask)
  expect(sentMask(['mask'])).toEqual(mask)
})
