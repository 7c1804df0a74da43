import { expect, test } from 'vitest'
import { openai } from '../support/gateway'
import { ASYNC, ended, type JobJson } from '../support/jobs'
import { CAT, team } from '../support/teams'
import { trouble } from '../support/trouble'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

test('a job with a status that its team does not tell gets its 202, and is submitted once', async () => {
  const { key } = await team('acme')
  const told = trouble('find')
  const client = openai({ apiKey: key, maxRetries: 2 })
  const response = await client.post<JobJson>('/images/generations', { body: CAT, headers: ASYNC }).asResponse()
  const { id } = await response.json<JobJson>()
  expect([response.status, response.headers.get('location')]).toEqual([202, `/v1/generations/${id}`])
  // One request asked twice.
  expect(told.failures).toBe(2)
  told.end()
  expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
  expect(upstream.calls).toHaveLength(1)
})
