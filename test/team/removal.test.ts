import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { dayOf } from '../../src/runtime/calendar'
import { ringTeam } from '../support/alarms'
import { ask, operate, stored, team, visit, withPictures } from '../support/teams'
import { atRest } from '../support/objects'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const cacheOf = async (key: string, n: number): Promise<string | null> => (await ask(key, { n })).headers.get('x-cache')

/** So far ahead that no alarm of a team rings by itself during a test, and no reservation expires. */
const LATER = 60_000

describe('a deleted team', () => {
  const deleteAcme = async (): Promise<Response> => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + LATER })
    return await operate('DELETE', '/teams/acme')
  }

  test('is gone at once, and its images soon after', async () => {
    await withPictures(3)
    const deleted = await deleteAcme()
    expect(await deleted.json()).toEqual({ object: 'team', id: 'acme', deleted: true })
    expect((await operate('GET', '/teams/acme')).status).toBe(404)
    expect(await (await operate('GET', '/teams')).json()).toMatchObject({ data: [{ id: 'default' }] })
    await ringTeam('acme')
    expect([await stored(), await ringTeam('acme')]).toEqual([0, false])
  })

  test('leaves the images of other teams alone', async () => {
    await withPictures(1)
    const other = await team('other')
    await ask(other.key)
    await deleteAcme()
    await ringTeam('acme')
    expect([await stored(), await cacheOf(other.key, 1)]).toEqual([1, 'HIT'])
  })

  test('has its images removed once the bucket works again', async () => {
    await withPictures(1)
    await deleteAcme()
    const trouble = vi.spyOn(env.IMAGES, 'delete').mockRejectedValue(new Error('delete: internal error (10001)'))
    await ringTeam('acme')
    trouble.mockRestore()
    expect([await stored(), await ringTeam('acme'), await stored()]).toEqual([1, true, 0])
  })

  test.each([
    ['during the removal', false],
    ['after a new team has its id', true],
  ])('keeps no image of a generation that finished %s', async (_, again) => {
    const { key } = await team('acme')
    const running = ask(key, { prompt: 'A cat @delay=300' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    await deleteAcme()
    await ringTeam('acme')
    expect((await ask(key)).status).toBe(401)
    if (again) await team('acme')
    await running
    await atRest()
    expect(await stored()).toBe(0)
  })

  test('leaves a new team of its id empty, and its requests are made again', async () => {
    const { key } = await withPictures(1)
    await deleteAcme()
    await ringTeam('acme')
    const again = await team('acme', { images_per_day: 5 })
    expect(await (await visit(again.key, '/v1/generations')).json()).toMatchObject({ data: [] })
    expect(await (await operate('GET', '/usage')).json()).toMatchObject({ data: [] })
    expect([await cacheOf(again.key, 1), (await ask(key)).status]).toEqual(['MISS', 401])
  })

  test('frees its id once it is empty', async () => {
    await withPictures(1)
    await deleteAcme()
    const refused = await operate('POST', '/teams', { id: 'acme' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '60'])
    expect(await (await operate('GET', '/teams')).json()).toMatchObject({ data: [{ id: 'default' }] })
    await ringTeam('acme')
    expect((await operate('POST', '/teams', { id: 'acme' })).status).toBe(201)
    expect(await (await operate('GET', '/teams')).json()).toMatchObject({ data: [{ id: 'acme' }, { id: 'default' }] })
  })
})

test('images older than the setting are removed by the alarm, and younger ones stay', async () => {
  const { key } = await team('acme')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  await ask(key, { prompt: 'An old cat', n: 2 })
  vi.setSystemTime(Date.now() + 86_400_000)
  await ask(key, { prompt: 'A young cat' })
  vi.setSystemTime(Date.now() + 29 * 86_400_000 + 1)
  expect(await ringTeam('acme')).toBe(true)
  expect(await stored()).toBe(1)
  const history = await visit(key, '/v1/generations')
  const listed = (await history.json<{ data: { prompt: string; images: unknown[] }[] }>()).data
  const kept = listed.map(({ prompt, images }) => [prompt, images.length])
  expect(kept).toEqual([
    ['A young cat', 1],
    ['An old cat', 0],
  ])
  expect(await ringTeam('acme')).toBe(true)
  const { data } = await (
    await operate('GET', `/usage?from=${dayOf(Date.now() - 40 * 86_400_000)}`)
  ).json<{ data: { images: number }[] }>()
  expect(data.reduce((sum, { images }) => sum + images, 0)).toBe(3)
})
