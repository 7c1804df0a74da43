import { expect, test } from 'vitest'
import { FakeFal } from '../support/fake-fal'
import { errorOf, post } from '../support/gateway'
import { playing } from '../support/playing'
import { accountOf, asking, run } from '../support/provider-run'

/** fal with answers at once. */
const [upstream] = playing(new FakeFal('run'))

const MODEL = 'fal-ai/flux/dev'

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: MODEL, prompt, ...more })

test('pictures answered at once are used without another call', async () => {
  const response = await ask('A cat', { n: 2 })
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data.map(({ b64_json }) => b64_json.slice(0, 11))).toEqual(['iVBORw0KGgo', 'iVBORw0KGgo'])
  expect(upstream.sent.map(({ method, path }) => `${method} ${path}`)).toEqual([`POST /${MODEL}`])
})

test('no job exists for polling', async () => {
  const told = await run(asking('A cat', { model: MODEL, partials: 0 }), { upstream: accountOf(upstream) })
  expect(told).toMatchObject([{ type: 'accepted', job: undefined }, { type: 'image' }, { type: 'summary' }])
})

test('a refusal has the same form as that of a job', async () => {
  expect(await errorOf(await ask('A cat @fault=moderation'))).toMatchObject({ code: 'moderation_blocked' })
  expect(await errorOf(await ask('A cat @fault=output-moderation'))).toMatchObject({ code: 'moderation_blocked' })
})

test.each([
  ['an answer without a picture is billed', 'no-picture', 'lost'],
  ['a web page is not', 'malformed', 'unavailable'],
])('%s', async (_, fault, kind) => {
  const asked = asking(`A cat @fault=${fault}`, { model: MODEL, partials: 0 })
  expect((await run(asked, { upstream: accountOf(upstream) })).at(-1)).toMatchObject({ kind })
})
