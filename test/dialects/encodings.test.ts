import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { errorOf, KEY, knock } from '../support/gateway'
import { chat, HELLO, texts } from '../support/texts'

const { first, images } = texts()

const BODY = Buffer.from(JSON.stringify({ model: 'gpt-image-2', prompt: 'A cat', quality: 'low' }))

/** The first bytes of every PNG, in base64. */
const PNG_START = 'iVBORw0KGgoA'

const send = (coding: string, body: Uint8Array): Promise<Response> =>
  knock('/v1/images/generations', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'content-encoding': coding },
    body: new Uint8Array(body),
  })

describe('a body', () => {
  test.each<[string, Uint8Array]>([
    ['gzip', gzipSync(BODY)],
    ['X-GZIP', gzipSync(BODY)],
    ['gzip', Buffer.concat([gzipSync(BODY.subarray(0, 9)), gzipSync(BODY.subarray(9))])],
    ['deflate', deflateSync(BODY)],
    ['deflate', deflateRawSync(BODY)],
    ['zstd', zstdCompressSync(BODY)],
    ['Identity', BODY],
    [' ', BODY],
  ])('in the content-encoding %j is read', async (coding, body) => {
    expect((await send(coding, body)).status).toBe(200)
  })

  test.each(['br', 'gzip, gzip', 'compress', 'aws-chunked', 'utf-8'])(
    'in the content-encoding %j is refused with those that are read',
    async (coding) => {
      const message = `The gateway does not decode the content-encoding '${coding}'. Send the body plain, or as one of gzip, deflate, zstd.`
      expect(await errorOf(await send(coding, BODY))).toMatchObject({ status: 415, message })
    },
  )

  test.each<[string, string, Uint8Array]>([
    ['JSON', 'gzip', BODY],
    ['JSON', 'zstd', BODY],
    ['zstd', 'gzip', zstdCompressSync(BODY)],
    ['gzip', 'deflate', gzipSync(BODY)],
    ['half of it', 'gzip', gzipSync(BODY).subarray(0, 30)],
    ['all but its checksum', 'gzip', gzipSync(BODY).subarray(0, -8)],
    ['half of it', 'zstd', zstdCompressSync(BODY).subarray(0, 30)],
    ['nothing', 'gzip', new Uint8Array()],
  ])('that is %s under the content-encoding %j is refused with the reason', async (_, coding, body) => {
    const message = expect.stringContaining(`not whole ${coding}`)
    expect(await errorOf(await send(coding, body))).toMatchObject({ status: 400, message })
    expect(images.calls).toEqual([])
  })

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
  ])('that grows beyond the limit as %s is refused before its end', async (coding, code) => {
    const start = `{"model":"gpt-image-2","image":["data:image/png;base64,${PNG_START}`
    const bomb = code(Buffer.concat([Buffer.from(start), Buffer.alloc(20e6, 'A')]))
    expect(bomb.length).toBeLessThan(50_000)
    const message = expect.stringContaining('larger than 8000000 bytes')
    expect(await errorOf(await send(coding, bomb))).toMatchObject({ status: 413, message })
  })
})

test('a request for a text in zstd, as Codex sends it, reaches its upstream plain', async () => {
  const body = new Uint8Array(zstdCompressSync(Buffer.from(JSON.stringify(HELLO))))
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'content-encoding': 'zstd' }
  expect((await knock('/v1/chat/completions', { method: 'POST', headers, body })).status).toBe(200)
  expect(first.calls.map((call) => [call.fields, call.headers.get('content-encoding')])).toEqual([[HELLO, null]])
})

test('half of a surrogate pair in a request for a text reaches its upstream as U+FFFD', async () => {
  await chat(JSON.stringify(HELLO).replace('Hello', String.raw`\ud83d \ude00\\ud83d \uD83D\uDE00`))
  expect(first.calls.map(({ fields }) => fields['messages'])).toEqual([
    [{ role: 'user', content: '\ufffd \ufffd\\ud83d \u{1f600}' }],
  ])
})
