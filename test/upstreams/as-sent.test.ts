import { expect, test, vi } from 'vitest'
import { audit, micro } from '../support/accounting'
import { FakeGemini } from '../support/fake-gemini'
import { FakeOpenaiChat } from '../support/fake-openai-chat'
import { FakeOpenaiProvider } from '../support/fake-openai-provider'
import { playing } from '../support/playing'
import { settings } from '../support/settings'
import { ask, team, visit } from '../support/teams'

const [openai, gemini, chat] = playing(new FakeOpenaiProvider(), new FakeGemini(), new FakeOpenaiChat())

settings({
  UPSTREAMS: JSON.stringify([
    { ...openai.setting(), models: ['art=gpt-image-2'] },
    { ...gemini.setting(), models: [`art=${gemini.model}`], priority: 1 },
    { ...chat.setting(), models: ['gpt-image-2=relay-art'] },
  ]),
  MODELS: { art: { prices: { image: { '1088x1088': 0.01, '1024x1024': 0.04 } } } },
})

test('an answer names and prices the size that was made, after a second attempt in another size', async () => {
  const { key } = await team('acme')
  vi.spyOn(openai, 'handle').mockImplementation(async () => Response.json({}, { status: 500 }))
  const response = await ask(key, { model: 'art', size: '1088x1088', quality: 'auto' })
  const headers = ['x-upstream', 'x-adjusted', 'x-cost-usd'].map((name) => response.headers.get(name))
  expect([response.status, ...headers]).toEqual([200, 'gemini', 'size=1088x1088>1024x1024', '0.040000'])
  expect(await response.json()).toMatchObject({ size: '1024x1024' })
  expect(await audit('acme')).toMatchObject([{ size: '1024x1024', cost_usd: 0.04, reserved_usd: 0.04 }])
})

test('the result of a job has the adaptations of the run that made it', async () => {
  const { key } = await team('acme')
  vi.spyOn(openai, 'handle').mockImplementation(async () => Response.json({}, { status: 500 }))
  const body = { model: 'art', size: '1088x1088', quality: 'auto' }
  const { id } = await (await ask(key, body, { prefer: 'respond-async' })).json<{ id: string }>()
  await vi.waitFor(async () => {
    const response = await visit(key, `/v1/generations/${id}`)
    expect(await response.json()).toMatchObject({ status: 'succeeded' })
    expect(response.headers.get('x-adjusted')).toBe('size=1088x1088>1024x1024')
  }, 5000)
})

test('several calls with changed quotes hold the money of each', async () => {
  const { key } = await team('acme')
  const prompt = 'A cat '.repeat(3000)
  for (const n of [1, 3]) await ask(key, { prompt, n })
  const [three, one] = (await audit('acme')).map(({ reserved_usd }) => micro(reserved_usd))
  expect(chat.sent).toHaveLength(4)
  expect(three).toBe(3 * (one ?? 0))
})
