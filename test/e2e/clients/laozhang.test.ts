import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorOf } from '../support/requests.ts'
import { callsBeginning } from '../support/money.ts'
import { decodePng, pngFile, sha256OfFile } from '../support/pictures.ts'
import { served } from '../support/served.ts'
import { GPTImageClient, PLATFORM_SIZES, generateSocialMediaBatch } from './tutorials/laozhang.ts'
import { type FileServer, serveFile } from './support/file-server.ts'
import { pictureAt } from './support/shown.ts'

const running = served()
let dress: File
let shop: FileServer

beforeAll(async () => {
  dress = await pngFile('dress.png', 'dress', 20_000)
  shop = await serveFile(dress)
})
afterAll(() => shop.stop())

const clientWith = (key = running.gateway.key, origin = running.gateway.baseUrl): GPTImageClient =>
  new GPTImageClient(key, `${origin}/images/generations`, 50)

const pixelsAt = async (url: string): Promise<object> => decodePng(await pictureAt(url))

test('the client of protocols §9.4 gets a link to a picture that decodes', async () => {
  const prompt = '一只可爱的卡通猫咪坐在笔记本电脑前编程,背景是现代化的办公室'
  const url = await clientWith().generateWithRetry(prompt, { size: '1024x1024', quality: 'medium', n: 1 })
  expect(await pixelsAt(url)).toEqual({ width: 16, height: 16 })
  const calls = await running.upstream.callsFor(prompt)
  expect(calls.map(({ fields }) => fields)).toEqual([
    { model: 'gpt-image-2.5-sunburst', prompt, size: '1024x1024', quality: 'medium' },
  ])
})

test('all of its parameters at once are taken', async () => {
  const prompt = '你的详细描述'
  const url = await clientWith().generateWithRetry(prompt, {
    size: 'auto',
    quality: 'high',
    effort: 'high',
    format: 'png',
    transparency: false,
    compression: 85,
    n: 1,
    user: 'user-123',
  })
  expect(await pixelsAt(url)).toEqual({ width: 16, height: 16 })
  const [call] = await running.upstream.callsFor(prompt)
  expect(call?.fields).toMatchObject({ model: 'gpt-image-2.5-sunburst', prompt, quality: 'high', background: 'opaque' })
})

test('a transparent picture is asked of the successor of its model', async () => {
  const prompt = '透明图标'
  await clientWith().generateWithRetry(prompt, { transparency: true })
  expect((await running.upstream.callsFor(prompt)).map(({ fields }) => fields)).toEqual([
    { model: 'gpt-image-2.5-sunburst', prompt, background: 'transparent' },
  ])
})

test('x-adjusted lists the changed parameters', async () => {
  const body = { model: 'gpt-image-1', prompt: '名片', quality: 'high', effort: 'high', transparency: false }
  const response = await fetch(`${running.gateway.baseUrl}/images/generations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${running.gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, size: '1200x630', compression: 85 }),
  })
  expect(response.headers.get('x-adjusted')?.split(', ').toSorted()).toEqual([
    'compression>output_compression',
    'effort',
    'model=gpt-image-1>gpt-image-2.5-sunburst',
    'output_compression',
    'size=1200x630>1200x640',
    'transparency>background',
  ])
})

test.each(['low', 'medium', 'high'] as const)('effort %s is as good as quality', async (effort) => {
  const prompt = `产品展示图 ${effort}`
  await clientWith().generateWithRetry(prompt, { size: '1024x1024', effort })
  expect(await running.upstream.callsFor(prompt)).toMatchObject([{ fields: { quality: effort } }])
})

test('its picture behind a link is edited', async () => {
  const prompt = 'Generate a professional fashion model photo: 年轻亚洲女性,165cm,标准身材'
  const parameters = { image: `${shop.origin}/dress.jpg`, size: '1024x1536', quality: 'high', effort: 'high' } as const
  expect(await pixelsAt(await clientWith().generateWithRetry(prompt, parameters))).toEqual({ width: 16, height: 16 })
  const calls = await running.upstream.callsFor(prompt)
  expect(calls).toMatchObject([
    { path: '/v1/images/edits', fields: { size: '1024x1536' }, files: [{ sha256: await sha256OfFile(dress) }] },
  ])
})

test('its odd sizes for social media are made in the nearest larger size', async () => {
  const results = await generateSocialMediaBatch(clientWith(), '夏季促销')
  expect(Object.keys(results)).toEqual(Object.keys(PLATFORM_SIZES))
  for (const url of Object.values(results)) expect(await pixelsAt(url)).toEqual({ width: 16, height: 16 })
  const calls = await callsBeginning(running.upstream, '\nCreate a ')
  expect(calls.map(({ fields }) => fields['size'])).toEqual([
    '1088x1088',
    '1088x1920',
    '1200x640',
    '1200x688',
    '1200x640',
  ])
})

test('it gets its picture by trying again', async () => {
  const prompt = '游戏道具 @twice=503'
  const client = clientWith()
  expect(await pixelsAt(await client.generateWithRetry(prompt))).toEqual({ width: 16, height: 16 })
  expect(client.printed).toEqual([
    expect.stringMatching(/^尝试 1 失败: 未知错误: 50[23] - \{"error":/),
    '等待 1 秒后重试...',
  ])
  expect(await running.upstream.callsFor(prompt)).toHaveLength(3)
})

test.each([
  ['a wrong key', {}, 'sk-dr-default-wrong', 'API密钥无效'],
  ['a size that no model makes', { size: '10x10' }, undefined, /^请求参数错误: Invalid size '10x10'\. /],
  [
    'a transparent picture in a format without transparency',
    { transparency: true, format: 'jpeg' } as const,
    undefined,
    '请求参数错误: A jpeg cannot be transparent. Set output_format to png or webp.',
  ],
])('%s is raised in its own words after three tries', async (_, parameters, key, reason) => {
  const client = clientWith(key)
  const message = String(await errorOf(client.generateWithRetry('贺卡', parameters)))
  const [, tries, why] = /^Error: 生成失败,已重试 (\d) 次: (.*)$/.exec(message) ?? []
  expect(tries).toBe('3')
  expect(why).toMatch(reason)
  expect(client.printed).toHaveLength(5)
})

test('a prompt that is refused costs one call to the upstream, however often it tries', async () => {
  const prompt = '打斗 @fault=moderation'
  await expect(clientWith().generateWithRetry(prompt)).rejects.toThrow(
    '已重试 3 次: 请求参数错误: Your request was rejected',
  )
  expect(await running.upstream.callsFor(prompt)).toHaveLength(1)
})

test('a limit is raised in its own words', async () => {
  const client = clientWith(await running.operator.team('laozhang', { requests_per_minute: 1 }))
  await client.generateWithRetry('头像一')
  await expect(client.generateWithRetry('头像二')).rejects.toThrow('生成失败,已重试 3 次: 请求频率超限')
  expect(await running.upstream.callsFor('头像二')).toEqual([])
})
