import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { openai } from '../support/gateway'
import { ASYNC, called, ended, job, type JobJson, startJob } from '../support/jobs'
import { ask, CAT, team } from '../support/teams'
import { trouble } from '../support/trouble'
import { upstreams } from '../support/upstreams'
import { watchTeams } from '../support/watched-team'

const { upstream } = upstreams()

const SLOW = { ...CAT, prompt: 'A cat @delay=500' }

test('a job with a status that its team does not tell gets its 202, and is submitted once', async () => {
  const { key } = await team('acme')
  const first = ask(key, SLOW)
  await called(upstream, 1)
  const told = trouble('find')
  const client = openai({ apiKey: key, maxRetries: 2 })
  const response = await client.post<JobJson>('/images/generations', { body: SLOW, headers: ASYNC }).asResponse()
  const { id } = await response.json<JobJson>()
  expect([response.status, response.headers.get('location')]).toEqual([202, `/v1/generations/${id}`])
  // One request asked twice.
  expect(told.failures).toBe(2)
  told.end()
  expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
  expect((await first).status).toBe(200)
  expect(upstream.calls).toHaveLength(1)
})

describe('the order of a job', () => {
  test('brings its status, so that its submission asks the team once', async () => {
    const { key } = await team('acme')
    await ended(key, await job(key, { prompt: 'A dog' }))
    await runInDurableObject(env.TEAMS.getByName('acme'), (_, { storage }) =>
      storage.sql.exec('UPDATE ledger SET ended_ms = started_ms + 33000'),
    )
    const calls = watchTeams()
    const response = await startJob(key, SLOW)
    expect(response.headers.get('retry-after')).toBe('33')
    const { id, ...status } = await response.json<JobJson>()
    expect(status).toMatchObject({ status: 'running' })
    expect(calls.filter((method) => method !== 'admit' && method !== 'reportUse')).toEqual(['reserve'])
    await ended(key, id)
  })

  test('has its place in the queue, and the team knows it', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    await job(key, SLOW)
    await job(key, { prompt: 'A dog' })
    const calls = watchTeams()
    const queued = await (await startJob(key, { prompt: 'A cow' })).json<JobJson>()
    expect(queued).toMatchObject({ status: 'queued', queued_before: 1 })
    expect(calls).not.toContain('find')
    expect(await ended(key, queued.id)).toMatchObject({ status: 'succeeded' })
  })
})
