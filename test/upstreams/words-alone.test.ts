import { expect, test } from 'vitest'
import { FakeGemini } from '../support/fake-gemini'
import { FakeOpenaiChat } from '../support/fake-openai-chat'
import { post } from '../support/gateway'
import { playing } from '../support/playing'

const [chat, gemini] = playing(new FakeOpenaiChat(), new FakeGemini())

/** More than may fail in a row. */
const MANY = 6

test.each([
  ['a chat', chat, 'refusal'],
  ['Gemini', gemini, 'no-image'],
] as const)('prompts that %s answers without a picture leave it available to others', async (_, { model }, fault) => {
  const ask = async (prompt: string): Promise<number> =>
    (await post('/v1/images/generations', { model, prompt })).status
  for (let times = 0; times < MANY; times++) expect(await ask(`A joke ${times} @fault=${fault}`)).toBe(502)
  expect(await ask('A cat')).toBe(200)
})
