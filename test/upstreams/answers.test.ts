import { describe, expect, test } from 'vitest'
import { accounts, small, standingOf, stillClock } from '../support/accounts'
import { conditionOf } from '../../src/upstreams/condition'
import { ask, team } from '../support/teams'

const fake = accounts(
  [
    { name: 'main', secret: 'MAIN_KEY', models: ['art=relay-1', 'good=relay-2', 'lone=relay-3'] },
    { name: 'spare', secret: 'SPARE_KEY', models: ['art=relay-1', 'good=relay-2'], priority: 1 },
    { name: 'talker', provider: 'openai-chat', secret: 'TALKER_KEYS', models: ['talk'] },
  ],
  { MAIN_KEY: 'key-main', SPARE_KEY: 'key-spare', TALKER_KEYS: 'key-talk, key-talk-too' },
)

const error =
  (status: number, message: string, code: string | null = null, headers: Record<string, string> = {}) =>
  (): Response =>
    Response.json({ error: { message, type: 'new_api_error', param: '', code } }, { status, headers })

let prompts = 0
/** The status of an answer, its upstream or its code, and its words. */
async function asked(model: string, key: string): Promise<[status: number, by: string | undefined, words: string]> {
  const response = await ask(key, small(model, `A cat ${prompts++}`))
  const words = await response.text()
  const { error: told }: { error?: { code?: string } } = JSON.parse(words)
  return [response.status, response.headers.get('x-upstream') ?? told?.code, words]
}

const statusOf = async (name: string): Promise<string> =>
  conditionOf((await standingOf(name)).health, Date.now()).status

const CHALLENGE = 'Upstream answered with a Cloudflare challenge page, please retry'
const SAFETY = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."

describe('the account', () => {
  test.each([
    [200, '用户额度不足, 剩余额度: $0.01'],
    [400, '用户额度不足'],
    [429, 'token quota is not enough, token remain quota: $0.01, need quota: $0.04'],
    [500, 'user quota is not enough'],
  ])('is disabled by a word on its money with status %i, and no client reads it: %s', async (status, words) => {
    const { key } = await team('acme')
    fake.answering('key-main', error(status, words))
    expect((await asked('art', key)).slice(0, 2)).toEqual([200, 'spare'])
    expect(await statusOf('main')).toBe('disabled')
    const [refused, , told] = await asked('lone', key)
    expect([refused, told.includes(words.slice(0, 5))]).toEqual([503, false])
  })

  test.each([
    ['a challenge in JSON', error(403, CHALLENGE)],
    ['a conversion that failed', error(500, 'bad field', 'convert_request_failed')],
    ['a firewall', (): Response => new Response('Request blocked by the firewall', { status: 403 })],
  ])('goes on serving after %s', async (_, answer) => {
    const { key } = await team('acme')
    expect((await asked('art', key))[1]).toBe('main')
    fake.answering('key-main', answer)
    expect((await asked('art', key)).slice(0, 2)).toEqual([200, 'spare'])
    fake.answering('key-main')
    expect([await statusOf('main'), (await asked('art', key))[1]]).toEqual(['ready', 'main'])
  })

  test('serves its good models after a dozen refusals of another one', async () => {
    const { key } = await team('acme')
    fake.answering('key-main', error(500, 'not supported model for image generation', 'convert_request_failed'))
    for (let at = 0; at < 12; at++) expect((await asked('art', key))[1]).toBe('spare')
    expect(fake.asked('key-main')).toBe(1)
    fake.answering('key-main')
    expect((await asked('good', key))[1]).toBe('main')
  })

  test('is asked again five minutes after a limit of an hour', async () => {
    const moveOn = stillClock()
    const { key } = await team('acme')
    fake.answering('key-main', error(429, 'Slow down.', 'rate_limit_exceeded', { 'retry-after': '3600' }))
    expect((await asked('art', key))[1]).toBe('spare')
    fake.answering('key-main')
    moveOn(299_000)
    expect((await asked('art', key))[1]).toBe('spare')
    moveOn(1000)
    expect((await asked('art', key))[1]).toBe('main')
  })
})

describe('the request ends, and no other account is asked, after', () => {
  test.each([
    ['a limit below its size', error(429, 'Limit 5, Requested 16.', 'rate_limit_exceeded'), 'rate_limit_exceeded'],
    ["the content filter of Azure, as a relay's 500", error(500, SAFETY), 'moderation_blocked'],
  ])('%s', async (_, answer, code) => {
    const { key } = await team('acme')
    fake.answering('key-main', answer)
    const [status, told] = await asked('art', key)
    expect([status, fake.asked('key-spare'), await statusOf('main')]).toEqual([400, 0, 'ready'])
    expect(told).toBe(code)
  })

  test('words of a chat that decline for a policy', async () => {
    const { key } = await team('acme')
    const content = "I'm sorry, but I can't draw that: it goes against the content guidelines."
    const answer = (): Response =>
      Response.json({ choices: [{ index: 0, finish_reason: 'stop', message: { content } }] })
    for (const each of ['key-talk', 'key-talk-too']) fake.answering(each, answer)
    expect((await asked('talk', key)).slice(0, 2)).toEqual([400, 'moderation_blocked'])
    expect(fake.visits).toHaveLength(1)
  })
})
