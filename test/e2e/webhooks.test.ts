import { request } from 'node:http'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type HttpRequest, ask, errorOf, requestOf } from './support/requests.ts'
import { sendingTo, startGateway } from './support/gateway.ts'
import { paid, spendingOf } from './support/money.ts'
import { Operator } from './support/operator.ts'
import { decodePng } from './support/pictures.ts'
import { type Hook, type Receiver, type WebhookEvent, idsOf, startReceiver, verified } from './support/receiver.ts'
import { served } from './support/served.ts'

const running = served()
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.stop())

/** Waits for so many attempts, then 1.5 s for one too many. */
async function arrived({ attempts }: Hook, times: number): Promise<void> {
  await vi.waitFor(() => expect(attempts.length).toBeGreaterThanOrEqual(times), { timeout: 60_000, interval: 100 })
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect(attempts).toHaveLength(times)
}

/** The events of all attempts, with their signatures checked. */
async function eventsOf(hook: Hook, team: string): Promise<WebhookEvent[]> {
  const secret = await running.operator.webhookSecret(team)
  return hook.attempts.map((attempt) => verified(attempt, secret))
}

/** Sends a request and ends its connection once its bytes are written, or once `until` holds for the answer. */
async function hangUp({ method, headers, body }: HttpRequest, until?: (text: string) => boolean): Promise<void> {
  const client = request(`${running.gateway.baseUrl}/images/generations`, { method, headers })
  await new Promise<void>((resolve, reject) => {
    client.on('error', reject).on('response', (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        if (until?.(text)) resolve()
      })
      response.on('error', () => {}).on('end', () => reject(new Error(`the answer ended: ${text.slice(0, 300)}`)))
    })
    client.end(body, () => until ?? resolve())
  })
  client.on('error', () => {})
  client.destroy()
}

const JOB = { prefer: 'respond-async' }

test.concurrent.each([
  { when: 'before the 202', headers: JOB, until: undefined, body: {} },
  { when: 'after the 202', headers: JOB, until: () => true, body: {} },
  { when: 'before an answer', headers: {}, until: undefined, body: {} },
  {
    when: 'in the middle of a stream',
    headers: {},
    until: (text: string) => text.includes('partial_image_index'),
    body: { stream: true, partial_images: 2 },
  },
])('with its client killed $when an image is made, paid once and reported once', async ({ when, headers, ...row }) => {
  const team = `killed-${when.replaceAll(' ', '-')}`
  const key = await running.operator.team(team, { budget_usd: 1 })
  const [ofTeam, ofRequest] = [receiver.hook(), receiver.hook()]
  await running.operator.setWebhook(team, ofTeam.url)
  const prompt = `A pier, killed ${when} @delay=1500 @pace=1500`
  const asked = { key, headers: { ...headers, 'x-webhook-url': ofRequest.url }, body: { ...row.body, prompt } }
  await hangUp(requestOf(running.gateway, asked), row.until)

  for (const hook of [ofTeam, ofRequest]) await arrived(hook, 1)
  expect(idsOf(ofTeam)).not.toEqual(idsOf(ofRequest))
  const [told, again] = [...(await eventsOf(ofTeam, team)), ...(await eventsOf(ofRequest, team))]
  expect(told).toMatchObject({ type: 'image.generation.completed', data: { status: 'succeeded' } })
  expect(again?.data).toMatchObject({ id: told?.data.id, images: [{}] })
  const linked = await fetch(told?.data.images[0]?.url ?? '')
  expect(decodePng(Buffer.from(await linked.arrayBuffer()))).toEqual({ width: 16, height: 16 })

  const calls = await running.upstream.callsFor(prompt)
  expect(calls.map(({ outcome }) => outcome)).toEqual(['answered'])
  const total = paid(calls)
  expect(total).toBeGreaterThan(0)
  expect(await spendingOf(running, team, key, calls)).toEqual({
    usage: total,
    budget: total,
    audit: total,
    upstream: total,
  })
  expect(Math.round((told?.data.cost_usd ?? 0) * 1e6)).toBe(total)
})

test.concurrent('a failed delivery is repeated once with the same event', async () => {
  const key = await running.operator.team('patient')
  const hook = receiver.hook(500, 200)
  await running.operator.setWebhook('patient', hook.url)
  await ask(running.gateway, { key, body: { prompt: 'A quay' } })
  await arrived(hook, 2)
  await eventsOf(hook, 'patient')
  expect(new Set(idsOf(hook)).size).toBe(1)
  expect(new Set(hook.attempts.map(({ body }) => body)).size).toBe(1)
  const [delivery] = await running.operator.deliveries('patient')
  expect(delivery).toMatchObject({ id: idsOf(hook)[0], status: 'delivered', attempts: 2, last_status: 200 })
})

test.concurrent('a redirect is not followed and counts as a failure', async () => {
  const key = await running.operator.team('moved')
  const hook = receiver.hook(302, 200)
  await running.operator.setWebhook('moved', hook.url)
  await ask(running.gateway, { key, body: { prompt: 'A slipway' } })
  await vi.waitFor(async () => expect(await running.operator.deliveries('moved')).toHaveLength(1), { timeout: 60_000 })
  const [failed] = await running.operator.deliveries('moved')
  expect(failed).toMatchObject({ status: 'pending', attempts: 1, last_status: 302 })
  expect(failed?.last_error).toContain('not followed')
  await arrived(hook, 2)
  expect(new Set(idsOf(hook)).size).toBe(1)
})

test.concurrent('an event is small, has links and no pictures', async () => {
  const key = await running.operator.team('small')
  const hook = receiver.hook()
  await running.operator.setWebhook('small', hook.url)
  const prompt = `A long pier ${'made of planks '.repeat(2000)}@bytes=300000`
  await ask(running.gateway, { key, body: { prompt, n: 10 } })
  await arrived(hook, 1)
  const [attempt] = hook.attempts
  expect(Buffer.byteLength(attempt?.body ?? '')).toBeLessThan(20_000)
  expect(attempt?.body).not.toContain('b64_json')
  const [told] = await eventsOf(hook, 'small')
  expect(told?.data.images).toHaveLength(10)
  const links = await Promise.all((told?.data.images ?? []).map(async ({ url }) => (await fetch(url)).bytes()))
  expect(links.map(({ length }) => length)).toEqual(Array.from({ length: 10 }, () => 300_000))
})

test.concurrent('the event of a failed job has its code and a cost of 0', async () => {
  const key = await running.operator.team('unlucky')
  const [ofTeam, ofRequest] = [receiver.hook(), receiver.hook()]
  await running.operator.setWebhook('unlucky', ofTeam.url)
  const headers = { ...JOB, 'x-webhook-url': ofRequest.url }
  const response = await ask(running.gateway, { key, headers, body: { prompt: 'A wreck @fault=moderation' } })
  expect(response.status).toBe(202)
  for (const hook of [ofTeam, ofRequest]) {
    await arrived(hook, 1)
    const [told] = await eventsOf(hook, 'unlucky')
    expect(told).toMatchObject({
      type: 'image.generation.failed',
      data: { status: 'failed', error: { code: 'content_rejected' }, images: [], cost_usd: 0 },
    })
  }
})

test.concurrent('a cache hit notifies the X-Webhook-URL', async () => {
  const prompt = 'A lock'
  await ask(running.gateway, { body: { prompt } })
  for (const headers of [{}, JOB]) {
    const hook = receiver.hook()
    const response = await ask(running.gateway, {
      headers: { ...headers, 'x-webhook-url': hook.url },
      body: { prompt },
    })
    expect(response.ok).toBe(true)
    await arrived(hook, 1)
    const [told] = await eventsOf(hook, 'default')
    expect(told).toMatchObject({ type: 'image.generation.completed', data: { cost_usd: 0, images: [{}] } })
  }
  expect(await running.upstream.callsFor(prompt)).toHaveLength(1)
})

test.concurrent('a retry with an Idempotency-Key gets the same event, once', async () => {
  const hook = receiver.hook()
  const headers = { 'x-webhook-url': hook.url, 'idempotency-key': 'order-1' }
  const asked = { headers, body: { prompt: 'A mole @delay=1000' } }
  const hasty = fetch(`${running.gateway.baseUrl}/images/generations`, {
    ...requestOf(running.gateway, asked),
    signal: AbortSignal.timeout(500),
  })
  await errorOf(hasty)
  expect((await ask(running.gateway, asked)).status).toBe(200)
  await arrived(hook, 1)
  expect((await ask(running.gateway, asked)).status).toBe(200)
  await arrived(hook, 1)
})

test.concurrent('an event is sent once more, the same, when the operator asks for that', async () => {
  const key = await running.operator.team('again')
  const hook = receiver.hook()
  await running.operator.setWebhook('again', hook.url)
  await ask(running.gateway, { key, body: { prompt: 'A weir' } })
  await arrived(hook, 1)
  await running.operator.redeliver('again', idsOf(hook)[0] ?? '')
  await arrived(hook, 2)
  await eventsOf(hook, 'again')
  expect(new Set(idsOf(hook)).size).toBe(1)
})

test.concurrent('pending events outlive a crash and are delivered once', { timeout: 200_000 }, async () => {
  const { upstream } = running
  const first = await startGateway(sendingTo(upstream.origin))
  const [untaken, unmade] = [receiver.hook(500, 200), receiver.hook()]
  const submit = (hook: Hook, prompt: string): Promise<Response> =>
    ask(first, { headers: { ...JOB, 'x-webhook-url': hook.url }, body: { prompt } })
  await submit(untaken, 'A ferry')
  await vi.waitFor(() => expect(untaken.attempts).toHaveLength(1), { timeout: 60_000 })
  const prompt = 'A tugboat @delay=5000'
  await submit(unmade, prompt)
  await vi.waitFor(async () => expect(await upstream.callsFor(prompt)).toHaveLength(1), { timeout: 60_000 })
  await first.kill()

  const second = await startGateway(sendingTo(upstream.origin), first.storage)
  try {
    const secret = await new Operator(second).webhookSecret('default')
    await arrived(untaken, 2)
    expect(new Set(idsOf(untaken)).size).toBe(1)
    await arrived(unmade, 1)
    const told = [...untaken.attempts, ...unmade.attempts].map((attempt) => verified(attempt, secret))
    expect(told.map(({ type }) => type)).toEqual(told.map(() => 'image.generation.completed'))
    expect((await upstream.callsFor(prompt)).map(({ outcome }) => outcome)).toEqual(['aborted', 'answered'])
  } finally {
    await second.stop()
  }
})
