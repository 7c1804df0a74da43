import { exports } from 'cloudflare:workers'
import { DallEAPIWrapper } from '@langchain/openai'
import { beforeEach, describe, expect, test } from 'vitest'
import { KEY, knock, ORIGIN } from '../support/gateway'
import { internet } from '../support/internet'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

// It has no setting for its transport, so the gateway is a host of the internet here.
const gateway = { handle: (request: Request) => exports.default.fetch(request) }
beforeEach(() => internet({ 'api.openai.com': upstream, 'darkroom.example.net': gateway }))

type Fields = ConstructorParameters<typeof DallEAPIWrapper>[0]
const tool = (fields: Fields = {}): DallEAPIWrapper =>
  new DallEAPIWrapper({ apiKey: KEY, baseUrl: `${ORIGIN}/v1`, ...fields })

describe("LangChain's DallEAPIWrapper", () => {
  test('gets a link to a picture, although its defaults are those of a retired model', async () => {
    const link: unknown = await tool().invoke('A cat')
    const sent = { model: 'gpt-image-2.5-sunburst', prompt: 'A cat', size: '1024x1024', quality: 'medium' }
    expect(upstream.calls[0]?.fields).toEqual(sent)
    const shown = await knock(String(link))
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/png'])
    await shown.arrayBuffer()
  })

  test('gets the picture itself on request', async () => {
    const picture: unknown = await tool({ dallEResponseFormat: 'b64_json', model: 'gpt-image-2' }).invoke('A cat')
    expect(picture).toMatch(/^iVBOR/)
  })

  test('sends equal requests for several pictures, which are made and paid once', async () => {
    const several: unknown = await tool({ n: 3, dallEResponseFormat: 'b64_json' }).invoke('A cat')
    const picture: unknown = expect.objectContaining({ image_url: { url: expect.stringMatching(/^iVBOR/) } })
    expect(several).toEqual([picture, picture, picture])
    expect(upstream.calls).toHaveLength(1)
  })

  test('throws the error of its client', async () => {
    const refused = tool({ model: 'no-such-model' }).invoke('A cat')
    await expect(refused).rejects.toMatchObject({ status: 400, param: 'model' })
  })
})
