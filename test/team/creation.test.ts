import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { ringTeam } from '../support/alarms'
import { generate } from '../support/accounting'
import { operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const found = async (name = 'Acme'): Promise<number> => (await operate('POST', '/teams', { id: 'acme', name })).status
const listed = async (): Promise<unknown> => await (await operate('GET', '/teams')).json()

test('a team can be created again after a failed creation', async () => {
  const trouble = vi.spyOn(env.TEAMS, 'getByName').mockImplementation(() => {
    throw new Error('Network connection lost.')
  })
  expect(await found()).toBe(503)
  trouble.mockRestore()
  expect(await found()).toBe(201)
  expect(await listed()).toMatchObject({ data: [{ id: 'acme', name: 'Acme' }, { id: 'default' }] })
})

test('a team missing from the list is listed by a second creation, which is a conflict', async () => {
  const trouble = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
    throw new Error('Network connection lost.')
  })
  expect(await found()).toBe(503)
  trouble.mockRestore()
  expect(await found('Another')).toBe(409)
  expect(await listed()).toMatchObject({ data: [{ id: 'acme', name: 'Acme' }, { id: 'default' }] })
})

test('a team is not listed during the deletion of its id, and can be created after it', async () => {
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
  })
})

test('a deleted team still in the list is removed by a second deletion', async () => {
  await team('acme')
  const trouble = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
    throw new Error('Network connection lost.')
  })
  expect((await operate('DELETE', '/teams/acme')).status).toBe(503)
  trouble.mockRestore()
  expect((await operate('DELETE', '/teams/acme')).status).toBe(404)
  expect(await listed()).toMatchObject({ data: [{ id: 'default' }] })
})
