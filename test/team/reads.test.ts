import { describe, expect, test } from 'vitest'
import { knock } from '../support/gateway'
import { ended, job } from '../support/jobs'
import { postResponse } from '../support/responses'
import { operate, team, visit, withPictures } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { watchTeams } from '../support/watched-team'

upstreams()

const UNKNOWN = `gen_${'5'.repeat(64)}`

/** Requests and the status of each with a valid key. */
const READS = [
  ['GET', '/v1/models', 200],
  ['GET', '/v1/models/gpt-image-2', 200],
  ['GET', '/api/v1/images/models', 200],
  ['GET', '/v1/usage', 200],
  ['GET', '/v1/usage?from=yesterday', 400],
  ['GET', '/v1/generations', 200],
  ['GET', '/v1/generations?limit=0', 400],
  ['GET', `/v1/generations/${UNKNOWN}`, 404],
  ['GET', '/v1/generations/none', 404],
  ['DELETE', `/v1/generations/${UNKNOWN}`, 404],
  ['POST', `/v1/generations/${UNKNOWN}/cancel`, 404],
  ['DELETE', `/images/${UNKNOWN}/12345678-0.png`, 404],
  ['DELETE', '/images/none', 404],
  ['GET', '/v1/responses/resp_none', 404],
  ['GET', '/v1/responses/resp_none?stream=perhaps', 400],
  ['DELETE', '/v1/responses/resp_none', 404],
  ['POST', '/v1/responses/resp_none/cancel', 404],
] as const

describe.each(READS)('%s %s', (method, path, status) => {
  test(`asks the team once, for its ${status}`, async () => {
    const { key } = await team('acme')
    const calls = watchTeams()
    expect((await visit(key, path, method)).status).toBe(status)
    expect(calls).toHaveLength(1)
  })

  test('is a 401 with a revoked key', async () => {
    const { key, id } = await team('acme')
    await operate('DELETE', `/teams/acme/keys/${id}`)
    expect((await visit(key, path, method)).status).toBe(401)
  })
})

describe('one call of the team is enough', () => {
  test('for the status of a job', async () => {
    const { key } = await team('acme')
    const id = await job(key)
    await ended(key, id)
    const calls = watchTeams()
    expect((await visit(key, `/v1/generations/${id}`)).status).toBe(200)
    expect((await visit(key, `/v1/api/result?id=${id}`)).status).toBe(200)
    expect(calls).toEqual(['findAs', 'findAs'])
  })

  test('for a background response', async () => {
    const { key } = await team('acme')
    const posted = await postResponse({ background: true }, { authorization: `Bearer ${key}` })
    const { id } = await posted.json<{ id: string }>()
    const calls = watchTeams()
    expect((await visit(key, `/v1/responses/${id}`)).status).toBe(200)
    expect(calls.filter((method) => method.endsWith('As'))).toEqual(['findAs'])
  })

  test('for the deletion of an image, beside the record of it', async () => {
    const { key, links } = await withPictures(1)
    const calls = watchTeams()
    expect((await visit(key, new URL(links[0] ?? '').pathname, 'DELETE')).status).toBe(200)
    expect(calls).toEqual(['imageAs', 'discard'])
  })

  test.each([
    ['an unknown task', { id: UNKNOWN }],
    ['a wrong body', { id: 7 }],
  ])('for %s of GrsAI, and a revoked key is refused first', async (_, body) => {
    const { key, id } = await team('acme')
    const result = (): Promise<Response> =>
      knock('/v1/draw/result', {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const calls = watchTeams()
    const refused = await (await result()).json()
    expect(calls).toHaveLength(1)
    await operate('DELETE', `/teams/acme/keys/${id}`)
    expect(await (await result()).json()).not.toEqual(refused)
  })
})
