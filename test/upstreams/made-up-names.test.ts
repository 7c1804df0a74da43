import { describe, expect, test } from 'vitest'
import { errorOf, post } from '../support/gateway'
import { FakeText } from '../support/fake-text'
import { chat, HELLO, texts } from '../support/texts'
import { internet } from '../support/internet'
import { settings } from '../support/settings'

texts()
settings({
  UPSTREAMS: JSON.stringify([
    { name: 'relay', provider: 'openai', secret: 'FIRST_KEY', base_url: 'https://relay.example.com/v1', models: ['*'] },
  ]),
})

/** Serves every model. */
class Anything extends FakeText {
  constructor() {
    super(['sk-first-secret'], [LONG, ...ELSEWHERE])
  }
}

const LONG = 'x'.repeat(257)
/** Some providers have the model's name in a path. */
const ELSEWHERE = ['..', '.', 'a/..', 'a/', 'a%2e%2e', 'a?b=c', 'a#b', 'a\\b', 'a b', 'a\nb']

describe('an invented name is an unknown model under a pattern for all', () => {
  test.each([['too long', LONG], ...ELSEWHERE.map((name) => [JSON.stringify(name), name])])('%s', async (_, model) => {
    const relay = new Anything()
    internet({ 'relay.example.com': relay })
    expect((await errorOf(await chat({ ...HELLO, model }))).status).toBe(404)
    expect((await errorOf(await post('/v1/images/generations', { model, prompt: 'A cat' }))).status).toBe(400)
    expect(relay.calls).toEqual([])
  })
})

test('the part before the last slash of such a name counts as a vendor', async () => {
  const relay = new FakeText(['sk-first-secret'], ['b'])
  internet({ 'relay.example.com': relay })
  expect((await chat({ ...HELLO, model: 'a/../../b' })).status).toBe(200)
  expect(relay.calls.map(({ fields }) => fields['model'])).toEqual(['b'])
})

test('a name with slashes, dots and colons is a model all the same', async () => {
  const model = 'maker/series-1.5:free'
  internet({ 'relay.example.com': new FakeText(['sk-first-secret'], [model]) })
  expect((await chat({ ...HELLO, model })).status).toBe(200)
})
