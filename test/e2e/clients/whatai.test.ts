import type { OpenAI } from 'openai'
import { expect, test } from 'vitest'
import { decodePng } from '../support/pictures.ts'
import { served } from '../support/served.ts'
import { printed } from './tutorials/whatai.ts'
import { picturesOfChat } from './support/conversations.ts'

const running = served()

const ran = (content: string, key = running.gateway.key): ReturnType<typeof printed> =>
  printed(new URL(running.gateway.baseUrl).origin, key, content)

test('the client of protocols §9.1 prints an answer with a picture that decodes', async () => {
  const { status, data } = await ran('画一只猫')
  expect(status).toBe(200)
  const answer: OpenAI.ChatCompletion = JSON.parse(data)
  expect(answer).toMatchObject({ object: 'chat.completion', model: 'gpt-image-1.5' })
  expect(answer.choices).toMatchObject([{ message: { role: 'assistant' }, finish_reason: 'stop' }])
  expect((await picturesOfChat(answer)).map(decodePng)).toEqual([{ width: 16, height: 16 }])
  const calls = await running.upstream.callsFor('画一只猫')
  expect(calls).toMatchObject([{ path: '/v1/images/generations', fields: { model: 'gpt-image-1.5' } }])
})

test('the same words a second time cost nothing', async () => {
  const [first, second] = [await ran('画两只猫'), await ran('画两只猫')]
  const [one, other] = [first, second].map(({ data }): OpenAI.ChatCompletion => JSON.parse(data))
  expect(other && (await picturesOfChat(other))).toEqual(one && (await picturesOfChat(one)))
  expect(await running.upstream.callsFor('画两只猫')).toHaveLength(1)
})

test('a refusal is printed', async () => {
  const { status, data } = await ran('画一场打斗 @fault=moderation')
  expect(status).toBe(400)
  expect(JSON.parse(data)).toMatchObject({ error: { code: 'moderation_blocked' } })
})

test('a limit is printed', async () => {
  const key = await running.operator.team('whatai', { requests_per_minute: 1 })
  expect((await ran('画三只猫', key)).status).toBe(200)
  const { status, data } = await ran('画四只猫', key)
  expect(status).toBe(429)
  expect(JSON.parse(data)).toMatchObject({ error: { code: 'rate_limit_exceeded' } })
  expect(await running.upstream.callsFor('画四只猫')).toEqual([])
})
