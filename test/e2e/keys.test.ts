import { OpenAI } from 'openai'
import { expect, test, vi } from 'vitest'
import { limitStatus, usageOf } from './support/operator.ts'
import { servedAlone } from './support/served.ts'

const running = servedAlone()

/** Requests a picture; requests differ in `prompt` alone. */
const ask = (key: string, prompt: string): Promise<OpenAI.ImagesResponse> =>
  running.gateway.sdk({ apiKey: key }).images.generate({ model: 'gpt-image-2', quality: 'low', prompt })

async function expectRefused(key: string): Promise<void> {
  const before = (await running.upstream.calls()).length
  for (const prompt of ['A picture for nobody', 'Another for nobody']) {
    const answer = ask(key, prompt)
    await expect(answer).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    await expect(answer).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
  }
  expect(await running.upstream.calls()).toHaveLength(before)
  const usage = await fetch(`${running.gateway.baseUrl}/usage`, { headers: { authorization: `Bearer ${key}` } })
  expect(usage.status).toBe(401)
}

test("the static key belongs to a team under the operator's control from the start", async () => {
  expect(await running.operator.teamIds()).toContain('default')
  await running.operator.setLimits('default', { images_per_day: 1 })
  await ask(running.gateway.key, 'A wren')
  await expect(ask(running.gateway.key, 'A second wren')).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  const usage = await usageOf(running.gateway, running.gateway.key)
  expect(usage.team.id).toBe('default')
  expect(usage.totals).toMatchObject({ requests: 1, generations: 1 })
  expect(limitStatus(usage.limits, 'images_per_day')).toMatchObject({ max: 1, used: 1, remaining: 0 })
  await running.operator.setLimits('default', {})
  await ask(running.gateway.key, 'A second wren')
})

test('a key opens nothing from the moment that it is revoked, and its team-mates go on', async () => {
  const other = await running.operator.team('revoking')
  const { id, key } = await running.operator.issueKey('revoking')
  await ask(key, 'A thrush')
  await running.operator.revokeKey('revoking', id)
  await expectRefused(key)
  await ask(other, 'A thrush')
})

test('a busy key opens nothing from the moment of its revocation', async () => {
  await running.operator.team('busy')
  const { id, key } = await running.operator.issueKey('busy')
  await ask(key, 'A starling')
  await Promise.all(Array.from({ length: 100 }, () => ask(key, 'A starling')))
  await running.operator.revokeKey('busy', id)
  await expectRefused(key)
})

test('a key opens nothing once it has expired', async () => {
  await running.operator.team('expiring')
  const past = await running.operator.issueKey('expiring', { expires_at: new Date(Date.now() - 1000).toISOString() })
  await expectRefused(past.key)
  const soon = await running.operator.issueKey('expiring', { expires_at: new Date(Date.now() + 2000).toISOString() })
  await vi.waitFor(() => expect(ask(soon.key, 'A tit')).rejects.toBeInstanceOf(OpenAI.AuthenticationError), {
    timeout: 60_000,
    interval: 200,
  })
  await expectRefused(soon.key)
})

test('a key that was forged opens nothing', async () => {
  const key = await running.operator.team('forged')
  await running.operator.team('forging')
  const wrongTag = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')
  const [secret = ''] = /[0-9a-f]{48}/.exec(key) ?? []
  const wrongSecret = key.replace(secret, secret.split('').toReversed().join(''))
  const otherTeam = key.replace('sk-dr-forged-', 'sk-dr-forging-')
  for (const forged of [wrongTag, wrongSecret, otherTeam]) {
    expect(forged).not.toBe(key)
    await expectRefused(forged)
  }
  await ask(key, 'A jay')
})

test('the keys of a deleted team open nothing, not even in a new team of that name', async () => {
  const key = await running.operator.team('gone')
  await ask(key, 'A phoenix')
  await running.operator.deleteTeam('gone')
  await expectRefused(key)
  expect((await running.operator.send('GET', '/teams/gone')).status).toBe(404)
  expect(await running.operator.teamIds()).not.toContain('gone')
  const next = await vi.waitFor(() => running.operator.team('gone'), { timeout: 60_000, interval: 500 })
  await expectRefused(key)
  await ask(next, 'A phoenix')
  expect(await running.upstream.callsFor('A phoenix')).toHaveLength(2)
  expect((await usageOf(running.gateway, next)).team_totals).toMatchObject({ requests: 1, generations: 1 })
})

test('a generation of a deleted team goes to its waiting client, and to no new team of that name', async () => {
  const key = await running.operator.team('leaving')
  const prompt = 'A dodo @delay=5000'
  const underWay = ask(key, prompt)
  await vi.waitFor(async () => expect(await running.upstream.callsFor(prompt)).toHaveLength(1), { timeout: 60_000 })
  await running.operator.deleteTeam('leaving')
  const next = await vi.waitFor(() => running.operator.team('leaving'), { timeout: 60_000, interval: 200 })
  await underWay
  await expect(ask(key, prompt)).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
  await ask(next, prompt)
  expect(await running.upstream.callsFor(prompt)).toHaveLength(2)
  expect(await running.operator.audit('leaving')).toHaveLength(1)
})

test('a limit acts from the moment that it is changed, on a team and on a key', async () => {
  await running.operator.team('changing')
  const { id, key } = await running.operator.issueKey('changing')
  const path = `/teams/changing/keys/${id}`
  await ask(key, 'A lark')
  await running.operator.setLimits('changing', { models: ['relay-*'] })
  await expect(ask(key, 'A lark')).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError)
  await running.operator.setLimits('changing', { requests_per_day: 1 })
  await expect(ask(key, 'A lark')).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  await running.operator.setLimits('changing', {})
  await ask(key, 'A lark')
  expect((await running.operator.send('PATCH', path, { limits: { budget_usd: 0 } })).status).toBe(200)
  await expect(ask(key, 'A second lark')).rejects.toMatchObject({ status: 429, code: 'insufficient_quota' })
  expect((await running.operator.send('PATCH', path, { limits: {} })).status).toBe(200)
  await ask(key, 'A second lark')
})

test('only the ADMIN_TOKEN opens the admin API', async () => {
  const { origin } = new URL(running.gateway.baseUrl)
  for (const token of [running.gateway.key, await running.operator.team('curious'), '']) {
    const response = await fetch(`${origin}/admin/api/teams`, { headers: { authorization: `Bearer ${token}` } })
    expect(response.status).toBe(401)
  }
})
