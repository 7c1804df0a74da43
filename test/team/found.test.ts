import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { ringTeam } from '../support/alarms'
import { generate } from '../support/books'
import { operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const found = async (name = 'Acme'): Promise<number> => (await operate('POST', '/teams', { id: 'acme', name })).status
const listed = async (): Promise<unknown> => await (await operate('GET', '/teams')).json()

test('a team that could not be begun can be begun again', async () => {
  const trouble = vi.spyOn(env.TEAMS, 'getByName').mockImplementation(() => {
    throw new Error('Network connection lost.')
  })
  expect(await found()).toBe(503)
  trouble.mockRestore()
  expect(await found()).toBe(201)
  expect(await listed()).toMatchObject({ data: [{ id: 'acme', name: 'Acme' }, { id: 'default' }] })
})

test('a team that could not be listed is listed by the next try, which is told that it is there', async () => {
  const trouble = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
    throw new Error('Network connection lost.')
  })
  expect(await found()).toBe(503)
  trouble.mockRestore()
  expect(await found('Another')).toBe(409)
  expect(await listed()).toMatchObject({ data: [{ id: 'acme', name: 'Acme' }, { id: 'default' }] })
})

test(
  'a team is not listed while one of its id is still being deleted, and can be begun after that',
  { timeout: 20_000 },
  async () => {
    const { key } = await team('acme')
    await generate(key, 'A cat')
    const trouble = vi.spyOn(env.IMAGES, 'delete').mockRejectedValue(new Error('delete: internal error (10001)'))
    expect((await operate('DELETE', '/teams/acme')).status).toBe(200)
    await vi.waitUntil(() => trouble.mock.calls.length > 0)
    expect(await found()).toBe(503)
    expect(await listed()).toMatchObject({ data: [{ id: 'default' }] })
    trouble.mockRestore()
    await vi.waitUntil(async () => {
      await ringTeam('acme')
      return (await found()) === 201
    }, 10_000)
  },
)

test('a team that was deleted but is still listed is struck off by the next try', async () => {
  await team('acme')
  const trouble = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
    throw new Error('Network connection lost.')
  })
  expect((await operate('DELETE', '/teams/acme')).status).toBe(503)
  trouble.mockRestore()
  expect((await operate('DELETE', '/teams/acme')).status).toBe(404)
  expect(await listed()).toMatchObject({ data: [{ id: 'default' }] })
})
