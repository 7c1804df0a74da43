import { describe, expect, test } from 'vitest'
import { full } from '../../../support/full.ts'
import { errorOf } from '../../support/requests.ts'
import { decodePng, pngFile, sha256, sha256OfFile } from '../../support/pictures.ts'
import type { Served } from '../../support/served.ts'
import { ACTS, type Client, type Raised, callerOf } from './client.ts'

const PIXELS = { width: 16, height: 16 }

/** Tests the usual calls of each of these clients, some clients at a time. */
export function testClients(running: Served, clients: readonly Client[]): void {
  test('every client does each act, or has a reason why it cannot', () => {
    const wrong = clients.flatMap((client) =>
      ACTS.filter((act) => (client[act] === undefined) === (client.lacks[act] === undefined)).map(
        (act) => `${client.name}: ${act}`,
      ),
    )
    expect(wrong).toEqual([])
    expect(new Set(clients.map(({ name }) => name)).size).toBe(clients.length)
  })

  describe.concurrent.each(clients.filter(({ isOlder }) => full || !isOlder))('$name', (client) => {
    testActs(running, client)
    testRefusals(running, client)
  })
}

function testActs(running: Served, { name, make, edit, masked, linked, two, stream }: Client): void {
  const anybody = (): ReturnType<typeof callerOf> => callerOf(running.gateway, running.gateway.key)

  test('makes a picture that decodes, for one call to the upstream', async () => {
    const prompt = `A lighthouse by ${name}`
    const pictures = await make(anybody(), prompt)
    expect(pictures.map(decodePng)).toEqual([PIXELS])
    expect(await running.upstream.callsFor(prompt)).toMatchObject([{ path: '/v1/images/generations' }])
  })

  if (edit)
    test('edits a picture, which the upstream gets byte for byte', async () => {
      const prompt = `A bluer kitchen by ${name}`
      const image = await pngFile('kitchen.png', `kitchen of ${name}`, 30_000)
      expect((await edit(anybody(), prompt, image)).map(decodePng)).toEqual([PIXELS])
      const calls = await running.upstream.callsFor(prompt)
      expect(calls).toMatchObject([{ path: '/v1/images/edits', files: [{ sha256: await sha256OfFile(image) }] }])
    })

  if (masked)
    test('edits two pictures with a mask', async () => {
      const prompt = `A greener kitchen by ${name}`
      const [first, second, mask] = await Promise.all(
        ['first', 'second', 'mask'].map((part) => pngFile(`${part}.png`, `${part} of ${name}`)),
      )
      if (!first || !second || !mask) throw new Error('there are three files')
      expect((await masked(anybody(), prompt, { images: [first, second], mask })).map(decodePng)).toEqual([PIXELS])
      const [call] = await running.upstream.callsFor(prompt)
      const given = await Promise.all([first, second, mask].map(sha256OfFile))
      expect(call?.files.map(({ sha256 }) => sha256).toSorted()).toEqual(given.toSorted())
    })

  if (linked)
    test('takes links, which show the picture', async () => {
      expect((await linked(anybody(), `A bridge by ${name}`)).map(decodePng)).toEqual([PIXELS])
    })

  if (two)
    test('gets two pictures of one request, for one call to the upstream', async () => {
      const prompt = `Two boats by ${name}`
      const [one, other, ...more] = await two(anybody(), prompt)
      expect(more).toEqual([])
      expect(one?.equals(other ?? one)).toBe(false)
      expect(await running.upstream.callsFor(prompt)).toMatchObject([{ fields: { n: 2 } }])
    })

  if (stream)
    test('streams a picture', async () => {
      const prompt = `A sunrise by ${name} @pace=100`
      const { previews, pictures } = await stream.run(anybody(), prompt)
      expect(previews.map(decodePng)).toEqual(Array.from({ length: stream.previews }, () => PIXELS))
      expect(pictures.map(decodePng)).toEqual([PIXELS])
      expect(await running.upstream.callsFor(prompt)).toHaveLength(1)
    })
}

function testRefusals(running: Served, { name, make, refused, refusal, stranger, wrong, limit }: Client): void {
  const anybody = (): ReturnType<typeof callerOf> => callerOf(running.gateway, running.gateway.key)

  test(`raises its own ${nameOf(refusal)} for a request that is refused`, async () => {
    const prompt = `A fight by ${name} @fault=moderation`
    expectRaised(await errorOf(refused ? refused(anybody()) : make(anybody(), prompt)), refusal)
    expect(await running.upstream.callsFor(prompt)).toHaveLength(refused ? 0 : 1)
  })

  test(`raises its own ${nameOf(stranger)} for a wrong key`, async () => {
    const caller = callerOf(running.gateway, 'sk-dr-default-wrong')
    expectRaised(await errorOf(make(caller, `A stranger by ${name}`)), stranger)
  })

  if (wrong)
    test(`raises its own ${nameOf(wrong.raises)} for a wrong parameter`, async () => {
      expectRaised(await errorOf(wrong.ask(anybody())), wrong.raises)
    })

  test(`raises its own ${nameOf(limit)} where its limit is reached`, async () => {
    // A limit per day: clients wait for the next minute.
    const key = await running.operator.team(teamOf(name), { requests_per_day: 1 })
    const caller = callerOf(running.gateway, key)
    await make(caller, `A first gull by ${name}`)
    expectRaised(await errorOf(make(caller, `A second gull by ${name}`)), limit)
    expect(await running.upstream.callsFor(`A second gull by ${name}`)).toEqual([])
  })
}

/** Some packages keep their classes to themselves: their errors have a name alone. */
const nameOf = ({ error, details: { name } }: Raised): string => (typeof name === 'string' ? name : error.name)

/** A team's id has at most 32 characters. */
const teamOf = (name: string): string => `client-${sha256(Buffer.from(name)).slice(0, 20)}`

function expectRaised(thrown: unknown, { error, details }: Raised): void {
  expect(thrown).toBeInstanceOf(error)
  expect(thrown).toMatchObject(details)
}
