import { expect, test } from 'vitest'
import { FakeAzureOpenai } from '../support/fake-azure-openai'
import { openai } from '../support/gateway'
import { pictureFile } from '../support/pictures'
import { playing } from '../support/playing'

class Dated extends FakeAzureOpenai {
  override readonly basePath = '/openai?api-version=2025-04-01-preview'
}

const [upstream] = playing(new Dated())

test("a base URL with a dated version, in the clients' form, uses the paths with a deployment", async () => {
  await openai().images.generate({ model: 'gpt-image-2', prompt: 'A cat' })
  await openai().images.edit({ model: 'gpt-image-2', prompt: 'A hat', image: await pictureFile('image') })
  expect(upstream.sent.map(({ path, headers }) => [path, headers['api-key']])).toEqual([
    ['/openai/deployments/pictures-eu/images/generations?api-version=2025-04-01-preview', 'key-of-the-fake'],
    ['/openai/deployments/pictures-eu/images/edits?api-version=2025-04-01-preview', 'key-of-the-fake'],
  ])
})
