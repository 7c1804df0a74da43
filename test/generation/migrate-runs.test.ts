import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { audit } from '../support/accounting'
import { errorOf } from '../support/gateway'
import type { DrawTask } from '../support/grsai'
import { alphaMask } from '../support/masks'
import { picture } from '../support/pictures'
import { after, receivers, send } from '../support/receiver'
import { ask, issue, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import recorded from './stored-rows.json'
import { deployed, requestsFollowed, reserveRecorded, rowOfRun, statusFor } from './stored-rows'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

let teams: { acme: TestTeam }
beforeEach(async () => {
  teams = { acme: await team('acme') }
})

const keysUnder = async (prefix: string): Promise<string[]> =>
  (await env.IMAGES.list({ prefix })).objects.map(({ key }) => key)

type Stub = Awaited<ReturnType<typeof deployed>>

const endsAs = (generation: Stub, status: string): Promise<boolean> =>
  vi.waitUntil(async () => (await statusFor(generation, 'acme')) === status)

/** The input pictures of the recorded edit with their bytes, in order. */
async function inputsOfEdit(): Promise<{ key: string; sha256: string; bytes: Uint8Array }[]> {
  const inputs = JSON.stringify(rowOfRun('edit')).matchAll(/"key":"(inputs\/[^"]+)","sha256":"(\w+)"/g)
  const bytes = [await picture('a'), await picture('b'), await alphaMask()]
  return [...inputs].map(([, key = '', sha256 = ''], at) => ({ key, sha256, bytes: bytes[at] ?? new Uint8Array() }))
}

describe('a run of the release before', () => {
  test('of an edit is made from its stored input pictures and its mask, which are removed then', async () => {
    const inputs = await inputsOfEdit()
    for (const { key, bytes } of inputs) await env.IMAGES.put(key, bytes)
    const generation = await deployed('edit', teams)
    await endsAs(generation, 'succeeded')
    const [call] = upstream.calls
    expect(upstream.calls).toHaveLength(1)
    expect(call?.files.map(({ name, sha256 }) => [name, sha256])).toEqual(
      ['image[]', 'image[]', 'mask'].map((name, at) => [name, inputs[at]?.sha256]),
    )
    expect(call?.fields).toMatchObject({ prompt: 'Tidy up', user: 'someone' })
    await vi.waitUntil(async () => (await keysUnder('inputs/')).length === 0)
    await send()
    expect(hooks.types).toEqual(['image.generation.completed'])
  })

  test('with a webhook in the words of a dialect tells it in these words', async () => {
    const generation = await deployed('drawing', teams)
    await endsAs(generation, 'succeeded')
    await send()
    const tasks = hooks.got.map(({ body }): DrawTask => JSON.parse(body))
    expect(tasks).toMatchObject([{ status: 'succeeded', progress: 100, results: [{ url: expect.any(String) }] }])
    expect(upstream.calls).toHaveLength(1)
  })

  test('of a stream is made without its client, and its previews are removed', async () => {
    const { id } = recorded.streaming
    await env.IMAGES.put(`partials/${id}/earlier-0-0.png`, await picture('a'))
    await deployed('streaming', teams)
    await vi.waitUntil(async () => (await audit('acme'))[0]?.status === 'succeeded')
    const again = await ask(teams.acme.key, { prompt: 'A cat', n: 2 })
    expect([again.headers.get('x-cache'), (await again.json<{ data: unknown[] }>()).data.length]).toEqual(['HIT', 2])
    expect(upstream.calls).toHaveLength(1)
    expect(await keysUnder('partials/')).not.toEqual([])
    await after(120_000)
    expect(await keysUnder('partials/')).toEqual([])
  })

  test('with its images cropped keeps them in their size', async () => {
    await reserveRecorded('cropped', teams.acme)
    await deployed('cropped', teams)
    await vi.waitUntil(async () => (await audit('acme'))[0]?.status === 'succeeded')
    const again = await ask(teams.acme.key, { prompt: 'A square cat', n: 2, size: '1080x1080' })
    expect(await again.json()).toMatchObject({ size: '1080x1080', data: [{}, {}] })
    expect(again.headers.get('x-adjusted')).toBe('size=1080x1080>1088x1088, crop=1088x1088>1080x1080')
    expect(upstream.calls).toHaveLength(0)
  })

  test('between two attempts makes the second one', async () => {
    const generation = await deployed('betweenAttempts', teams)
    await endsAs(generation, 'succeeded')
    expect(upstream.calls).toHaveLength(1)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 2 }])
  })

  test('in its second attempt makes no third, and counts the cost of both', async () => {
    await reserveRecorded('secondAttempt', teams.acme)
    const generation = await deployed('secondAttempt', teams)
    await endsAs(generation, 'failed')
    expect(upstream.calls).toHaveLength(0)
    const [entry] = await audit('acme')
    expect(entry).toMatchObject({ status: 'failed', error: 'upstream_failed', attempts: 2 })
    expect(entry?.estimated_usd).toBeCloseTo(2 * 0.00594)
  })
})

describe('an answer that clients followed in the release before', () => {
  const [first, second] = requestsFollowed('followed')

  test('stays as it ended, and the one under way ends beside it with its own picture', async () => {
    const generation = await deployed('followed', teams)
    const ended = await generation.see('acme', first)
    expect(ended?.snapshot.status).toBe('succeeded')
    await vi.waitUntil(async () => (await generation.see('acme', second))?.snapshot.status === 'succeeded')
    const later = await generation.see('acme', second)
    expect(await generation.see('acme', first)).toEqual(ended)
    expect([later?.record?.images.length, upstream.calls.length]).toEqual([1, 1])
    expect(later?.snapshot.images).not.toEqual(ended?.snapshot.images)
    expect(later?.followed?.form.wants).toContain('"order":"2"')
  })

  test('keeps its failure, and the refusal of the upstream is not asked for again', async () => {
    const generation = await deployed('followedFailed', teams)
    const [request] = requestsFollowed('followedFailed')
    const seen = await generation.see('acme', request)
    expect(seen?.snapshot).toMatchObject({ status: 'failed', failure: { code: 'content_rejected' } })
    const again = await ask(teams.acme.key, { prompt: 'A bad cat @fault=moderation' })
    expect((await errorOf(again)).code).toBe('moderation_blocked')
    expect(upstream.calls).toHaveLength(0)
  })
})

describe('a row of an ended run', () => {
  test('has the previews of an ended run removed', async () => {
    const { id } = recorded.previews
    await env.IMAGES.put(`partials/${id}/earlier-0-0.png`, await picture('a'))
    await deployed('previews', teams)
    await ringGenerations()
    expect(await keysUnder('partials/')).toHaveLength(1)
    await after(120_000)
    expect(await keysUnder('partials/')).toEqual([])
  })

  test('has a failure that no client received for its key alone', async () => {
    await deployed('remembered', teams)
    const lost = { prompt: 'A lost cat @fault=500' }
    expect((await ask(teams.acme.key, lost)).status).toBe(499)
    expect(upstream.calls).toHaveLength(0)
    const { key } = await issue('acme')
    expect((await ask(key, lost)).status).toBe(502)
    expect(upstream.calls).not.toHaveLength(0)
  })

  test('has a failed event sent once more', async () => {
    await deployed('undelivered', teams)
    await send()
    expect(hooks.got).toEqual([])
    await after(180_000)
    await vi.waitUntil(() => hooks.got.length === 1)
    await after(600_000)
    expect(hooks.types).toEqual(['image.generation.completed'])
  })
})
