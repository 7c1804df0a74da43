import { OpenAI } from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, sendingTo, startGateway } from './support/gateway.ts'
import { Operator, usageOf } from './support/operator.ts'
import { startUpstream, type Upstream } from './support/upstream.ts'

let upstream: Upstream
let gateway: Gateway
let variables: Record<string, string>

beforeAll(async () => {
  upstream = await startUpstream()
  const relay = { name: 'relay', provider: 'openai', secret: 'FAKE_KEY', base_url: `${upstream.origin}/v1` }
  const UPSTREAMS = JSON.stringify([{ ...relay, models: ['flux-9=relay-1'] }])
  variables = { ...sendingTo(upstream.origin), UPSTREAMS }
  gateway = await startGateway(variables)
})
afterAll(async () => {
  await gateway?.stop()
  await upstream?.stop()
})

/** The cost of a picture in the headers of its answer. */
async function costs(model: string, prompt: string, n = 1): Promise<[usd: string | null, credits: string | null]> {
  const { response } = await gateway.sdk().images.generate({ model, prompt, n }).withResponse()
  return [response.headers.get('x-cost-usd'), response.headers.get('x-cost-credits')]
}

const restartWith = async (changed: Record<string, string>): Promise<void> => {
  await gateway.kill()
  gateway = await startGateway({ ...variables, ...changed }, gateway.storage)
}

test('a model outside the catalogue is served, and billed after a change of settings alone', async () => {
  expect(await costs('flux-9', 'A heron')).toEqual([null, null])
  const { totals } = await usageOf(gateway, gateway.key)
  expect(totals).toMatchObject({ generations: 1, cost_usd: 0, unpriced: 1 })

  const MODELS = JSON.stringify({ 'flux-9': { prices: { image: 0.04 } } })
  await restartWith({ MODELS, MODEL_ALIASES: JSON.stringify({ 'house-flux': 'flux-9' }), CREDITS_PER_USD: '71000' })
  expect(await costs('flux-9', 'A second heron')).toEqual(['0.040000', '2840'])
  expect(await costs('house-flux', 'Two more herons', 2)).toEqual(['0.080000', '5680'])
  const billed = await usageOf(gateway, gateway.key)
  expect(billed.totals).toMatchObject({ generations: 3, cost_usd: 0.12, cost_credits: 8520, unpriced: 1 })
})

test('its budget then holds, at the price of its upstream', async () => {
  const prices = { 'flux-9': { image: 0.5 } }
  const relay = { name: 'relay', provider: 'openai', secret: 'FAKE_KEY', base_url: `${upstream.origin}/v1`, prices }
  await restartWith({ UPSTREAMS: JSON.stringify([{ ...relay, models: ['flux-9=relay-1'] }]) })
  const operator = new Operator(gateway)
  await operator.setLimits('default', { budget_usd: 0.62 })
  expect(await costs('flux-9', 'A dear heron')).toEqual(['0.500000', null])
  const refused = gateway.sdk().images.generate({ model: 'flux-9', prompt: 'One heron too many' })
  await expect(refused).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  await expect(refused).rejects.toMatchObject({ code: 'insufficient_quota' })
  expect(await upstream.callsFor('One heron too many')).toEqual([])
})
