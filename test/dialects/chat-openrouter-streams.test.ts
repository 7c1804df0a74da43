import { expect, test } from 'vitest'
import { ASKED, framesOf } from '../support/chat'
import { post } from '../support/gateway'
import { chunksOf } from '../support/openrouter-chat'
import { settings } from '../support/settings'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.1, DEMO_DELAY_MS: 400 })
upstreams()

test("OpenRouter's client reads a failure in the middle of a stream", async () => {
  const chunks = await chunksOf({ messages: [{ role: 'user', content: 'A cat @delay=300 @fault=500' }] })
  expect(chunks.at(-1)).toMatchObject({
    error: { code: 502, message: 'The upstream failed to make the image. Try again.' },
    choices: [{ finishReason: 'error' }],
  })
})

test('a stream has its picture beside the text, and no progress in prose', async () => {
  // The demo draws it and reports its progress.
  const model = 'google/gemini-3-pro-image'
  const frames = await framesOf(await post('/api/v1/chat/completions', { ...ASKED, model, stream: true }))
  expect(frames.pop()).toBe('[DONE]')
  const url = expect.stringMatching(/^data:image\/png;base64,iVBOR/)
  expect(frames.map((frame): unknown => JSON.parse(frame))).toMatchObject([
    { choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] },
    { choices: [{ index: 0, delta: { content: '', images: [{ type: 'image_url', image_url: { url } }] } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  ])
})
