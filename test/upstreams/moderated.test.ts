import { expect, test } from 'vitest'
import { modelOf, settingsOf } from '../support/fake-models'
import { FakeOpenaiProvider } from '../support/fake-openai-provider'
import type { FakeProvider } from '../support/fake-provider'
import { FAKES } from '../support/fakes'
import { errorOf, post } from '../support/gateway'
import { playing } from '../support/playing'
import { settings } from '../support/settings'

const others = FAKES.map((Fake) => new Fake())
const fakes = playing(new FakeOpenaiProvider(), ...others)

/** A second upstream that would make every picture. */
const elsewhere = {
  name: 'elsewhere',
  provider: 'demo',
  secret: 'FAKE_KEY',
  base_url: 'https://elsewhere.example.com',
  priority: 1,
  models: fakes.map((fake) => modelOf(fake, fakes)),
}
settings({ UPSTREAMS: JSON.stringify([...settingsOf(fakes), elsewhere]) })

const ask = (fake: FakeProvider, prompt: string): Promise<Response> =>
  post('/v1/images/generations', { model: modelOf(fake, fakes), prompt })

/** The number of times that a fake received a prompt. */
const sentTo = ({ sent }: FakeProvider, prompt: string): number =>
  sent.filter(({ body }) => JSON.stringify(body ?? null).includes(prompt)).length

test.each(fakes)('a content refusal of $provider is final, without another upstream', async (fake) => {
  const prompt = 'A cat @fault=moderation'
  expect(await errorOf(await ask(fake, prompt))).toMatchObject({
    status: 400,
    type: 'image_generation_user_error',
    code: 'moderation_blocked',
    param: null,
  })
  expect(sentTo(fake, prompt)).toBe(1)
})

test.each(others)('a failure of $provider leads to another upstream', async (fake) => {
  const prompt = 'A cat @fault=error'
  const response = await ask(fake, prompt)
  expect([response.status, response.headers.get('x-upstream')]).toEqual([200, 'elsewhere'])
  expect(sentTo(fake, prompt)).toBe(1)
})
