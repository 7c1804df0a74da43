import { expect, test } from 'vitest'
import { type ApiTask, clientSettings, draw, drawResult, framesOf, generate } from '../support/grsai'
import { generateImageSimple } from '../support/grsai-clients'
import { settings } from '../support/settings'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.05 })
upstreams()

const [SLOW, SLOW_FAILURE] = ['A cat @delay=300', 'A cat @delay=300 @fault=500']

test('a silent stream reports a running task at once, and stays alive by empty lines', async () => {
  const response = await draw({ prompt: SLOW })
  const text = await response.clone().text()
  expect(text).toMatch(/^data: {.+}\n\n\n+data: {.+}\n\n$/)
  const told = (await framesOf(response)).map(({ status, progress }) => [status, progress])
  expect(told).toEqual([
    ['running', 0],
    ['succeeded', 100],
  ])
})

test('a stream without progress stays alive by empty lines alone', async () => {
  const response = await draw({ prompt: SLOW, shutProgress: true })
  expect(await response.text()).toMatch(/^\n+data: {.+}\n\n$/)
})

test('the streaming client of protocols §9.2 receives a late failure', async () => {
  const { settings, told } = clientSettings()
  expect(await generateImageSimple(settings, SLOW_FAILURE)).toBeUndefined()
  expect(told).toEqual(['0%', '100%', 'failed: error'])
})

test('its task is known by the id of the first frame by then', async () => {
  const { key } = await team('acme')
  const response = await draw({ prompt: SLOW }, key)
  const id = response.headers.get('x-generation-id') ?? ''
  const { data } = await drawResult(id, key)
  expect(data).toMatchObject({ id, status: 'running' })
  expect((await framesOf(response)).map((frame) => frame.id)).toEqual([id, id])
})

test.each([
  [SLOW, 'succeeded'],
  [SLOW_FAILURE, 'failed'],
  ['A cat @delay=300 @fault=moderation', 'violation'],
])('a whole answer (%s) begins with white space and has its outcome all the same', async (prompt, status) => {
  const response = await generate({ prompt })
  const text = await response.text()
  const task: ApiTask = JSON.parse(text)
  expect([response.status, text.startsWith(' '), task.status]).toEqual([200, true, status])
  expect(task.id).toBe(response.headers.get('x-generation-id'))
})
