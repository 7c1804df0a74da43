import { describe, expect, test } from 'vitest'
import { openai, ORIGIN, post } from '../support/gateway'
import { clientSettings, draw, endOf, framesOf, shows, toldDemo } from '../support/grsai'
import { generateImageSimple } from '../support/grsai-clients'
import { internet } from '../support/internet'
import { slowDemo } from '../support/jobs'
import { picture } from '../support/pictures'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** Of a model that only the demo serves. */
const DRAWN = { model: 'nano-banana-pro' }

const dataUrl = async (name: string): Promise<string> => `data:image/png;base64,${(await picture(name)).toBase64()}`

describe('the streaming client of protocols §9.2', () => {
  test("ends with a picture for the article's client", async () => {
    const { settings, told } = clientSettings()
    const result = await generateImageSimple(settings, 'A cat')
    expect(result).toMatchObject({ status: 'succeeded', progress: 100, width: 1024, height: 1024 })
    expect(told).toEqual(['0%', '100%', `${result?.url} 1024x1024`])
    expect(await shows(result?.url ?? '')).toBe(true)
  })

  test('shows that client the progress, and success only at the end', async () => {
    slowDemo(300)
    const { settings, told } = clientSettings()
    await generateImageSimple(settings, 'A cat', DRAWN)
    const percents = told.slice(0, -1).map((line) => Number.parseInt(line))
    expect(percents.length).toBeGreaterThan(3)
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(percents.filter((percent) => percent === 100)).toHaveLength(1)
  })

  test('shows that client the reason of a failure', async () => {
    const { settings, told } = clientSettings()
    expect(await generateImageSimple(settings, 'A cat @fault=500')).toBeUndefined()
    expect(told).toEqual(['100%', 'failed: error'])
  })
})

describe('a stream', () => {
  test('has whole tasks as its frames, all of one generation', async () => {
    const demo = toldDemo()
    demo.at(40)
    const response = await draw(DRAWN)
    demo.end()
    const [begun, running, ended, ...others] = await framesOf(response)
    const id = response.headers.get('x-generation-id')
    const nothing = { results: [], url: '', width: 0, height: 0, failure_reason: '', error: '' }
    expect(begun).toEqual({ id, status: 'running', progress: 0, ...nothing })
    expect(running).toEqual({ id, status: 'running', progress: 40, ...nothing })
    const url = expect.stringContaining(`${ORIGIN}/images/${id}/`)
    const results = [{ url, content: '' }]
    expect(ended).toEqual({
      ...nothing,
      id,
      status: 'succeeded',
      progress: 100,
      results,
      url,
      width: 1024,
      height: 1024,
    })
    expect(others).toEqual([])
    expect(response.headers.get('content-type')).toBe('text/event-stream')
  })

  test.each([true, false])('of a client without progress (%s) is its end alone', async (shutProgress) => {
    slowDemo(100)
    const frames = await framesOf(await draw({ ...DRAWN, shutProgress }))
    expect(frames.filter(({ status }) => status === 'succeeded')).toHaveLength(1)
    expect(frames.length === 1).toBe(shutProgress)
  })

  test('has the two pictures of two variants', async () => {
    const { results, url } = await endOf(await draw({ variants: 2 }))
    expect(results).toHaveLength(2)
    expect(results[0]?.url).toBe(url)
    expect(await Promise.all(results.map((each) => shows(each.url)))).toEqual([true, true])
    expect(upstream.calls[0]?.fields).toMatchObject({ n: 2 })
  })

  test('has the price of its picture in its last frame', async () => {
    const response = await draw({ quality: 'low', size: '1024x1024' })
    await response.text()
    expect(Number(response.headers.get('x-cost-usd'))).toBeGreaterThan(0)
  })

  test('is the same on the nano-banana route', async () => {
    const response = await post('/v1/draw/nano-banana', { ...DRAWN, prompt: 'A cat', aspectRatio: 'auto', urls: [] })
    expect(response.headers.get('x-adjusted')).toBe('model=nano-banana-pro>gemini-3-pro-image')
    expect(await endOf(response)).toMatchObject({ status: 'succeeded' })
  })
})

describe('a request', () => {
  test('is made once in all of its spellings', async () => {
    const { data } = await openai().images.generate({ model: 'gpt-image-2', prompt: 'A cat', quality: 'low' })
    const response = await draw({ quality: 'low' })
    expect(response.headers.get('x-cache')).toBe('HIT')
    const path = (url = ''): string => new URL(url).pathname
    expect(path((await endOf(response)).url)).toBe(path(data?.[0]?.url))
    expect(upstream.calls).toHaveLength(1)
  })

  test("reaches the upstream in the upstream's form", async () => {
    await endOf(
      await draw({ aspectRatio: '1536x1024', quality: 'high', background: 'opaque', variants: 2, cdn: 'global' }),
    )
    const { fields } = upstream.calls[0] ?? {}
    const sent = { size: '1536x1024', quality: 'high', background: 'opaque', n: 2 }
    expect(fields).toEqual({ model: 'gpt-image-2', prompt: 'A cat', ...sent })
  })

  test.each([
    [{ aspectRatio: '16:9', imageSize: '2K' }, '2048x1152'],
    [{ size: '3:2', imageSize: '4K' }, '3504x2336'],
    [{ size: '1:1' }, '1024x1024'],
    [{ imageSize: '2K' }, '2048x2048'],
  ])('%j is a ratio and a resolution', async (body, size) => {
    await endOf(await draw(body))
    expect(upstream.calls[0]?.fields).toMatchObject({ size })
  })

  test.each([
    [{ size: '1:1', aspectRatio: '1536x1024' }, 'size'],
    [{ aspectRatio: '1536x1024', imageSize: '2K' }, 'imageSize'],
    [{ quality: 'hd' }, 'quality=hd>high'],
    [{ model: 'sora-image' }, 'model=sora-image>gpt-image-2'],
    [{ image_size: '2K', thinking: true }, 'image_size, thinking'],
    [{ size: '', aspectRatio: null, mask: '', webHook: '', urls: [], cdn: null }, null],
  ])('%j is accepted, with a note of its adaptation', async (body, adjusted) => {
    const response = await draw(body)
    expect(response.headers.get('x-adjusted')).toBe(adjusted)
    expect(await endOf(response)).toMatchObject({ status: 'succeeded' })
    const strict = await draw(body, undefined, { 'x-strict': 'true' })
    expect((await strict.text()).startsWith('{"code":-1,')).toBe(adjusted !== null)
  })
})

describe('an edit', () => {
  test('takes its pictures from https, as data URLs, and as bare base64', async () => {
    const bytes = await picture('a')
    internet({ 'api.openai.com': upstream, 'pictures.example.com': { handle: () => new Response(bytes) } })
    const urls = ['https://pictures.example.com/a.png', await dataUrl('b'), (await picture('c')).toBase64()]
    expect(await endOf(await draw({ urls }))).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toMatchObject([{ path: '/v1/images/edits', files: [{}, {}, {}] }])
  })

  test('takes a mask', async () => {
    const response = await draw({ urls: [await dataUrl('a')], mask: await dataUrl('m') })
    expect(await endOf(response)).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls[0]?.files?.map(({ name }) => name)).toEqual(['image', 'mask'])
  })

  test('of a picture of this gateway names it by its link', async () => {
    const { url } = await endOf(await draw())
    expect(await endOf(await draw({ prompt: 'Make it blue', urls: [url] }))).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls[1]?.path).toBe('/v1/images/edits')
  })
})
