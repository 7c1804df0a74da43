import { expect, test, vi } from 'vitest'
import { accounts, small, standingOf, stillClock } from '../support/accounts'
import { operate, ask, team } from '../support/teams'

const fake = accounts(
  [
    { name: 'walled', secret: 'WALLED_KEY', models: ['art=relay-1', 'other=relay-2'] },
    { name: 'spare', secret: 'SPARE_KEY', models: ['art=relay-1'], priority: 1 },
  ],
  { WALLED_KEY: 'key-walled', SPARE_KEY: 'key-spare' },
)

const firewall = (): Response => new Response('error code: 1010', { status: 403 })
const limited = (): Response => {
  const message = 'Rate limit reached for relay-1 in organization org-1 on images per min. Please try again in 12s.'
  return Response.json(
    { error: { message, type: 'images', param: null, code: 'rate_limit_exceeded' } },
    { status: 429 },
  )
}
const region = (): Response => {
  const error = { message: 'No.', type: 'request_forbidden', param: null, code: 'unsupported_country_region_territory' }
  return Response.json({ error }, { status: 403 })
}

let prompts = 0
/** The status of an answer, and the upstream that served it. */
async function served(key: string, model = 'art', prompt = `A cat ${prompts++}`): Promise<string> {
  const response = await ask(key, small(model, prompt))
  await response.arrayBuffer()
  return `${response.status} ${response.headers.get('x-upstream') ?? 'none'}`
}

interface Listed {
  data: {
    name: string
    accounts: { status: string; reason: string | null; advice: string | null; teams: string[] | null }[]
  }[]
}

async function shown(): Promise<Listed['data'][number]['accounts'][number] | undefined> {
  const listed: Listed = await (await operate('GET', '/upstreams')).json()
  return listed.data.find(({ name }) => name === 'walled')?.accounts[0]
}

test('one 403 of a firewall leaves the account to others; that of another team disables it until a later try', async () => {
  const moveOn = stillClock()
  const [acme, globex, third] = [await team('acme'), await team('globex'), await team('third')]
  expect(await served(acme.key)).toBe('200 walled')
  fake.answering('key-walled', firewall)
  expect(await served(acme.key)).toBe('200 spare')
  fake.answering('key-walled')
  expect([await served(globex.key), await served(acme.key)]).toEqual(['200 walled', '200 walled'])
  fake.answering('key-walled', firewall)
  expect([await served(acme.key), await served(globex.key)]).toEqual(['200 spare', '200 spare'])
  const asked = fake.asked('key-walled')
  expect(await served(third.key)).toBe('200 spare')
  expect(fake.asked('key-walled')).toBe(asked)
  expect(await shown()).toMatchObject({ status: 'disabled', teams: null, advice: expect.stringContaining('firewall') })
  fake.answering('key-walled')
  moveOn(30_000)
  expect([await served(third.key), await served(acme.key)]).toEqual(['200 walled', '200 walled'])
  expect(await shown()).toMatchObject({ status: 'ready' })
})

test('prompts of one team that make an upstream fail take it from that team alone', async () => {
  const [acme, globex] = [await team('acme'), await team('globex')]
  expect(await served(globex.key)).toBe('200 walled')
  fake.answering('key-walled', () => new Response('', { status: 500 }))
  for (let at = 0; at < 7; at++) expect(await served(acme.key)).toBe('200 spare')
  expect(fake.asked('key-walled')).toBe(6)
  expect(await shown()).toMatchObject({ status: 'open', teams: ['acme'] })
  fake.answering('key-walled')
  expect([await served(acme.key), await served(globex.key)]).toEqual(['200 spare', '200 walled'])
})

test('a limit that names its model leaves the other models of the key', async () => {
  const { key } = await team('acme')
  fake.answering('key-walled', limited)
  expect(await served(key)).toBe('200 spare')
  fake.answering('key-walled')
  expect([await served(key), await served(key, 'other')]).toEqual(['200 spare', '200 walled'])
  expect((await standingOf('walled')).health.models).toMatchObject({ 'relay-1': { reason: 'cooling' } })
})

test('a refused place disables nothing; the account is left alone after two teams met it', async () => {
  const log = vi.spyOn(console, 'log')
  const [acme, globex] = [await team('acme'), await team('globex')]
  fake.answering('key-walled', region)
  expect([await served(acme.key), await served(globex.key)]).toEqual(['200 spare', '200 spare'])
  expect(await shown()).toMatchObject({ status: 'misplaced', advice: expect.stringContaining('region') })
  expect((await standingOf('walled')).health.disabled).toBeUndefined()
  expect(log.mock.calls.flat().join('\n')).toContain('"event":"account-changed"')
})
