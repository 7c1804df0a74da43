import { expect, test } from 'vitest'
import { decodePng } from '../support/pictures.ts'
import { served } from '../support/served.ts'
import { generateImageVar } from './tutorials/uiuiapi.ts'
import { pictureAt } from './support/shown.ts'

const running = served({ MODELS: JSON.stringify({ 'gpt-image-1.5-pro': { like: 'gpt-image-1.5' } }) }, [
  'gpt-image-1.5-pro=gpt-image-1.5',
])

const PROMPT =
  '技术蓝图风格,绘制一个 Docker 容器内部结构的剖面图,包含 Python 和 OpenResty 的图标,数据流用发光的蓝色线条表示,深色背景。'

/** Runs the tutorial's client with a key; the result has its return value and its output. */
async function ran(prompt: string, apiKey = running.gateway.key): Promise<{ url: string | null; printed: string[] }> {
  const printed: string[] = []
  const print = (line: string): unknown => printed.push(line)
  const url = await generateImageVar({ apiKey, baseUrl: running.gateway.baseUrl, print }, prompt)
  return { url, printed }
}

test('the client of protocols §9.3 gets a link to a picture that decodes', async () => {
  const { url, printed } = await ran(PROMPT)
  expect(decodePng(await pictureAt(url ?? ''))).toEqual({ width: 16, height: 16 })
  expect(printed.at(-1)).toBe(`🔗 图片链接: ${url}`)
  const calls = await running.upstream.callsFor(PROMPT)
  expect(calls.map(({ fields }) => fields)).toEqual([
    { model: 'gpt-image-1.5', prompt: PROMPT, size: '1024x1024', quality: 'high' },
  ])
})

test('the same prompt a second time costs nothing, as its cache in nginx has it', async () => {
  const prompt = '生成公司 Logo'
  const [first, second] = [await ran(prompt), await ran(prompt)]
  expect(await pictureAt(second.url ?? '')).toEqual(await pictureAt(first.url ?? ''))
  expect(await running.upstream.callsFor(prompt)).toHaveLength(1)
})

test('a refusal is printed in the words of its client', async () => {
  const { url, printed } = await ran('一场打斗 @fault=moderation')
  expect(url).toBeNull()
  expect(printed.at(-1)).toMatch(/^❌ 生成失败: Error: 400 Your request was rejected/)
})

test('a limit is printed in the words of its client', async () => {
  const key = await running.operator.team('uiuiapi', { requests_per_day: 1 })
  expect((await ran('第一张', key)).url).not.toBeNull()
  const { url, printed } = await ran('第二张', key)
  expect(url).toBeNull()
  expect(printed.at(-1)).toMatch(/^❌ 生成失败: Error: 429 Rate limit reached/)
  expect(await running.upstream.callsFor('第二张')).toEqual([])
})

test("its gateway's health check is answered", async () => {
  const response = await fetch(`${new URL(running.gateway.baseUrl).origin}/health`)
  expect(await response.json()).toMatchObject({ status: 'alive', gateway: 'darkroom' })
})
