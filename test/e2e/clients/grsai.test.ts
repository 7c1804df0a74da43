import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type Frame,
  type Settings,
  generateImageSimple,
  pollUntilSucceeded,
  submitWithWebhook,
} from '../../support/grsai-clients.ts'
import { ask, errorOf } from '../support/requests.ts'
import { decodePng, pngFile, sha256OfFile } from '../support/pictures.ts'
import { type Hook, type Receiver, startReceiver } from '../support/receiver.ts'
import { served } from '../support/served.ts'
import { SHOWN, imageUrlOf } from './tutorials/grsai.ts'
import { callerOf } from './support/client.ts'
import { serveFile } from './support/file-server.ts'
import { pictureAt } from './support/shown.ts'

const running = served()
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.stop())

const PIXELS = { width: 16, height: 16 }

const pixelsAt = async (url: string | undefined): Promise<object> => decodePng(await pictureAt(url ?? ''))

/** The settings and the output of a GrsAI client. */
function settingsWith(key = running.gateway.key): { settings: Settings; told: string[] } {
  const told: string[] = []
  const { origin } = callerOf(running.gateway, key)
  return { settings: { fetch, baseUrl: origin, apiKey: key, tell: (line) => void told.push(line) }, told }
}

/** The key of a new team that may make one request. */
const limited = (team: string): Promise<string> => running.operator.team(team, { requests_per_minute: 1 })

test("the client for OpenAI's own API gets a link to a picture that decodes", async () => {
  const prompt = '一只可爱的猫咪在草地上玩耍'
  const url = await imageUrlOf(running.gateway.sdk(), prompt)
  expect(await pixelsAt(url)).toEqual(PIXELS)
  const calls = await running.upstream.callsFor(prompt)
  expect(calls.map(({ fields }) => fields)).toEqual([{ model: 'gpt-image-1.5', prompt, size: '1024x1024' }])
})

test('its parameters are taken, and x-adjusted names the one without effect', async () => {
  const response = await ask(running.gateway, { body: { ...SHOWN } })
  expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'style'])
  const calls = await running.upstream.callsFor(SHOWN.prompt)
  expect(calls).toMatchObject([{ fields: { size: '1024x1024', quality: 'high' } }])
})

describe('the client of the stream', () => {
  test('prints how far it is, and a link to a picture that decodes', async () => {
    const { settings, told } = settingsWith()
    const result = await generateImageSimple(settings, '草地上的猫 @delay=200')
    expect(told).toEqual(['0%', '100%', `${result?.url} 1024x1024`])
    expect(await pixelsAt(result?.url)).toEqual(PIXELS)
    const calls = await running.upstream.callsFor('草地上的猫 @delay=200')
    expect(calls).toMatchObject([{ path: '/v1/images/generations', fields: { size: '1024x1024' } }])
  })

  test('edits a picture behind a link', async () => {
    const image = await pngFile('cat.png', 'cat', 20_000)
    const shop = await serveFile(image)
    const { settings } = settingsWith()
    const result = await generateImageSimple(settings, '把猫变成蓝色', { urls: [`${shop.origin}/cat.png`] })
    await shop.stop()
    expect(await pixelsAt(result?.url)).toEqual(PIXELS)
    const calls = await running.upstream.callsFor('把猫变成蓝色')
    expect(calls).toMatchObject([{ path: '/v1/images/edits', files: [{ sha256: await sha256OfFile(image) }] }])
  })

  test.each([
    ['that is refused', 'moderation', 'input_moderation'],
    ['that the upstream fails at', '500', 'error'],
  ])('prints why there is no picture for a prompt %s', async (_, fault, reason) => {
    const { settings, told } = settingsWith()
    expect(await generateImageSimple(settings, `打斗 @fault=${fault}`)).toBeUndefined()
    expect(told.at(-1)).toBe(`failed: ${reason}`)
  })

  test('has no picture and no frame where its limit is reached', async () => {
    const { settings, told } = settingsWith(await limited('grsai-stream'))
    expect(await generateImageSimple(settings, '第一只猫')).toMatchObject({ status: 'succeeded' })
    told.length = 0
    expect(await generateImageSimple(settings, '第二只猫')).toBeUndefined()
    expect([told, await running.upstream.callsFor('第二只猫')]).toEqual([[], []])
  })
})

/** The task in a webhook's first event. */
async function toldTo({ attempts }: Hook): Promise<Frame & { error?: string }> {
  await vi.waitUntil(() => attempts.length > 0, { timeout: 60_000, interval: 50 })
  return JSON.parse(attempts[0]?.body ?? '')
}

describe('the client of the webhook', () => {
  test('notifies its server of a picture that decodes', async () => {
    const { settings, told } = settingsWith()
    const hook = receiver.hook()
    await submitWithWebhook(settings, '一只在等的猫', hook.url)
    const task = await toldTo(hook)
    expect(told).toEqual(['submitted'])
    expect(task).toMatchObject({ status: 'succeeded', progress: 100, failure_reason: '' })
    expect(await pixelsAt(task.url)).toEqual(PIXELS)
    expect(await running.upstream.callsFor('一只在等的猫')).toHaveLength(1)
  })

  test('notifies its server of the reason for a missing picture', async () => {
    const hook = receiver.hook()
    await submitWithWebhook(settingsWith().settings, '在等的打斗 @fault=moderation', hook.url)
    const task = await toldTo(hook)
    expect(task).toMatchObject({ status: 'failed', progress: 100, failure_reason: 'input_moderation' })
    expect(task.error).toMatch(/rejected.* Nothing was charged\.$/)
  })

  test('is answered with no task where its limit is reached', async () => {
    const { settings } = settingsWith(await limited('grsai-webhook'))
    await submitWithWebhook(settings, '第一只在等的猫', receiver.hook().url)
    const answers: string[] = []
    const listening = async (url: string, init: RequestInit): Promise<Response> => {
      const response = await fetch(url, init)
      answers.push(await response.clone().text())
      return response
    }
    const hook = receiver.hook()
    await submitWithWebhook({ ...settings, fetch: listening }, '第二只在等的猫', hook.url)
    expect(answers.map((answer): unknown => JSON.parse(answer))).toEqual([
      { code: -1, data: null, msg: expect.stringContaining('Rate limit reached') },
    ])
    expect([hook.attempts, await running.upstream.callsFor('第二只在等的猫')]).toEqual([[], []])
  })
})

describe('the client that polls', () => {
  test('prints how the task stands until it has a link to a picture that decodes', async () => {
    const { settings, told } = settingsWith()
    const [url, ...others] = await pollUntilSucceeded(settings, '被问起的猫 @delay=300', 50)
    expect([await pixelsAt(url), others]).toEqual([PIXELS, []])
    expect(told[0]).toMatch(/^task gen_/)
    expect(new Set(told.slice(1))).toEqual(new Set(['running', 'succeeded']))
    expect(await running.upstream.callsFor('被问起的猫 @delay=300')).toHaveLength(1)
  })

  test('prints that its task has failed', async () => {
    const { settings, told } = settingsWith()
    // Without this, it polls forever.
    const interrupted: Settings['tell'] = (line) => {
      settings.tell(line)
      if (line === 'failed') throw new Error('interrupted')
    }
    const polling = pollUntilSucceeded({ ...settings, tell: interrupted }, '被问起的打斗 @fault=moderation', 50)
    expect(await errorOf(polling)).toMatchObject({ message: 'interrupted' })
    expect(told.at(-1)).toBe('failed')
  })

  test('raises its own TypeError where its limit is reached', async () => {
    const { settings, told } = settingsWith(await limited('grsai-poll'))
    expect(await pollUntilSucceeded(settings, '第一只被问起的猫', 50)).toHaveLength(1)
    told.length = 0
    await expect(pollUntilSucceeded(settings, '第二只被问起的猫', 50)).rejects.toThrow(TypeError)
    expect([told, await running.upstream.callsFor('第二只被问起的猫')]).toEqual([[], []])
  })
})
