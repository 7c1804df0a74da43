import { env } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { app } from '../../src/app'
import { configOf } from '../../src/config'
import { signedLink } from '../../src/store/links'
import { BODIED, type Bodied, FORM } from '../support/bodied-routes'
import { KEY, knock, ORIGIN } from '../support/gateway'
import { dataUrlOf, picture } from '../support/pictures'
import { ask, team } from '../support/teams'
import { texts } from '../support/texts'

const { first, images } = texts()

const rowsOf = (name: string, row: Bodied): { name: string; path: string; row: Bodied }[] =>
  row.paths.map((path) => ({ name, path, row }))
const JSON_ROWS = Object.entries(BODIED).flatMap(([name, row]) => rowsOf(name, row))
const ROWS = [...JSON_ROWS, ...rowsOf('an edit in a form', FORM)]

/** Routes for requests without a body. */
const BODILESS = [/\/cancel$/, /\/secret$/, /\/redeliver$/]

test('every route that takes a body has a row', () => {
  const isCovered = (pattern: string): boolean => {
    const { router } = new Hono().post(pattern, (c) => c.text(''))
    return ROWS.some(({ path }) => router.match('POST', new URL(path, ORIGIN).pathname)[0].length > 0)
  }
  const posted = app.routes.filter(({ method, path }) => method === 'POST' && !BODILESS.some((end) => end.test(path)))
  // One handler reads alike at all of its paths.
  const byHandler = Map.groupBy(posted, ({ handler }) => handler)
  const paths = [...byHandler.values()].map((routes) => routes.map(({ path }) => path))
  expect(paths.filter((each) => !each.some(isCovered))).toEqual([])
  expect(paths.length).toBeGreaterThan(15)
})

/** A body as it is sent. */
interface Encoded {
  bytes: Uint8Array<ArrayBuffer>
  headers: Record<string, string>
}

async function encoded(row: Bodied, text: string, url?: string): Promise<Encoded> {
  const standIn = row.picture === 'required' ? dataUrlOf(await picture('a cat')) : undefined
  const body = await row.body(text, url ?? standIn)
  const request = new Response(body instanceof FormData ? body : JSON.stringify(body))
  const type = body instanceof FormData ? request.headers.get('content-type') : 'application/json'
  return { bytes: new Uint8Array(await request.arrayBuffer()), headers: { 'content-type': type ?? '' } }
}

const send = (path: string, row: Bodied, { bytes, headers }: Encoded, key = KEY): Promise<Response> => {
  const all = { authorization: `Bearer ${KEY}`, ...row.headers, ...headers }
  const withKey = Object.entries(all).map(([name, value]): [string, string] => [name, value.replace(KEY, key)])
  return knock(path, { method: 'POST', headers: Object.fromEntries(withKey), body: bytes })
}

/** A failure as any route tells it: GrsAI's clients get one with the status 200. */
const FAILURE = /"(?:error|failure_reason|code)":\s*(?:\{|"[a-z]|-)/

async function outcome(answer: Promise<Response>): Promise<string> {
  const response = await answer
  const said = await response.text()
  return `${response.status} ${FAILURE.test(said) ? said : 'well'}`
}

describe.each(ROWS)('$name at $path', ({ path, row }) => {
  test('reads a body in gzip as the plain one', async () => {
    const { bytes, headers } = await encoded(row, 'A cat')
    const right = await outcome(send(path, row, await encoded(row, 'A cat')))
    const { bytes: again } = row.makesAnew ? await encoded(row, 'A cat') : { bytes }
    const coded = { bytes: new Uint8Array(gzipSync(again)), headers: { ...headers, 'content-encoding': 'gzip' } }
    expect(await outcome(send(path, row, coded))).toBe(right)
    expect(images.calls.length + first.calls.length).toBeLessThan(3)
  })

  test('names a text that is not UTF-8, and asks no upstream', async () => {
    const { bytes, headers } = await encoded(row, 'in GBK')
    const text = Buffer.from(bytes).toString('latin1').replace('in GBK', '\u00c4\u00e3\u00ba\u00c3')
    const response = await send(path, row, { bytes: Uint8Array.from(Buffer.from(text, 'latin1')), headers })
    expect(await response.text()).toContain(`'${row.param}': it is not UTF-8`)
    expect([images.calls, first.calls]).toEqual([[], []])
  })
})

describe.each(JSON_ROWS)('$name at $path', ({ path, row }) => {
  test('skips a byte order mark', async () => {
    const right = await outcome(send(path, row, await encoded(row, 'A cat')))
    const { bytes, headers } = await encoded(row, 'A cat')
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...bytes])
    expect(await outcome(send(path, row, { bytes: marked, headers }))).toBe(right)
  })

  test('refuses more text behind its JSON', async () => {
    const { bytes, headers } = await encoded(row, 'A cat')
    const more = new Uint8Array([...bytes, ...Buffer.from('{"prompt":"A dog"}')])
    expect(await (await send(path, row, { bytes: more, headers })).text()).toContain('one JSON object')
    expect([images.calls, first.calls]).toEqual([[], []])
  })
})

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const PICTURED = JSON_ROWS.filter(({ row }) => row.picture)

describe.each(PICTURED)('$name at $path', ({ path, row }) => {
  test('reads a picture in the URL-safe alphabet', async () => {
    const cat = await picture('a cat')
    const url = dataUrlOf(cat)
      .replaceAll('+', '-')
      .replace(/(?<=,.*)\//g, '_')
      .replace(/=+$/, '')
    expect(url).toMatch(/,.*[-_]/)
    expect((await send(path, row, await encoded(row, 'A cat', url))).status).toBe(200)
    expect(images.calls.map(({ files }) => files.map(({ sha256 }) => sha256))).toEqual([[hash(cat)]])
  })
})

describe.each(PICTURED.filter(({ row }) => row.takesLinks !== false))('$name at $path', ({ path, row }) => {
  test("reads the expired link of its team's picture, and no other team's", async () => {
    const { data } = await (await ask(KEY)).json<{ data: [{ url: string }] }>()
    const key = new URL(data[0].url).pathname.slice(1)
    const secrets = { signingSecret: configOf(env).signingSecret, imageUrlTtlSeconds: 3600 }
    const body = await encoded(row, 'A cat', signedLink(ORIGIN, key, secrets, 0))
    const { key: other } = await team('acme')
    const refused = await send(path, row, body, other)
    expect([await refused.text(), images.calls.length]).toEqual([expect.stringContaining('an expired link'), 1])
    expect((await send(path, row, body)).status).toBe(200)
    const stored = await (await env.IMAGES.get(key))?.bytes()
    expect(images.calls.at(-1)?.files.map(({ sha256 }) => sha256)).toEqual([stored && hash(stored)])
  })
})
