import { describe, expect, test } from 'vitest'
import { errorOf } from '../../support/requests.ts'
import { decodePng, pngFile, sha256OfFile } from '../../support/pictures.ts'
import type { Served } from '../../support/served.ts'
import { type Client, type Raised, callerOf } from './client.ts'

const PIXELS = { width: 16, height: 16 }

/** Tests the usual calls of each of these clients. */
export function testClients(running: Served, clients: readonly Client[]): void {
  describe.each(clients)('$name', ({ name, make, edit, stream, refused, refusal, limit }) => {
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

    if (stream)
      test('streams a picture', async () => {
        const prompt = `A sunrise by ${name} @pace=100`
        const { previews, pictures } = await stream.run(anybody(), prompt)
        expect(previews.map(decodePng)).toEqual(Array.from({ length: stream.previews }, () => PIXELS))
        expect(pictures.map(decodePng)).toEqual([PIXELS])
        expect(await running.upstream.callsFor(prompt)).toHaveLength(1)
      })

    test(`raises its own ${nameOf(refusal)} for a request that is refused`, async () => {
      const prompt = `A fight by ${name} @fault=moderation`
      expectRaised(await errorOf(refused ? refused(anybody()) : make(anybody(), prompt)), refusal)
      expect(await running.upstream.callsFor(prompt)).toHaveLength(refused ? 0 : 1)
    })

    test(`raises its own ${nameOf(limit)} where its limit is reached`, async () => {
      const team = slugOf(name)
      // A limit per day: clients wait for the next minute.
      const key = await running.operator.team(team, { requests_per_day: 1 })
      const caller = callerOf(running.gateway, key)
      await make(caller, `A first gull by ${name}`)
      expectRaised(await errorOf(make(caller, `A second gull by ${name}`)), limit)
      expect(await running.upstream.callsFor(`A second gull by ${name}`)).toEqual([])
    })
  })
}

const nameOf = ({ error }: Raised): string => error.name

/** At most 32 characters, the limit of a team's id. */
const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(-32)
    .replace(/^-/, '')

function expectRaised(thrown: unknown, { error, details }: Raised): void {
  expect(thrown).toBeInstanceOf(error)
  expect(thrown).toMatchObject(details)
}
