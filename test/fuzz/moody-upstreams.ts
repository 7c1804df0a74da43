import { modelOf, settingsOf } from '../support/fake-models'
import { FakeOpenai } from '../support/fake-openai'
import { FakeText } from '../support/fake-text'
import { FAKES } from '../support/fakes'
import { internet } from '../support/internet'
import { makePicture, piecesOf } from '../support/fake-picture'
import { concatenate } from '../support/png'
import { MARK, REVEALED } from './oracle'

type Mood = () => Response

const json = (body: unknown, status: number): Response =>
  Response.json(body, { status, headers: { 'set-cookie': 'a=b', server: 'nginx', 'x-request-id': 'req_upstream' } })

/** Errors of an upstream, with words that no client may see. */
const ERRORS: readonly Mood[] = [
  () =>
    json(
      { error: { message: `This size is not made: ${REVEALED.join(', ')}`, param: 'size', code: null, type: MARK } },
      400,
    ),
  () =>
    json(
      { error: { message: `Flagged by the safety system. ${REVEALED.join(' ')}`, code: 'moderation_blocked' } },
      400,
    ),
  () => json({ error: { message: `${MARK} ${REVEALED.join(' ')}`, type: 'server_error' } }, 500),
  () => new Response(`<html>${MARK}</html>`, { status: 502, headers: { 'content-type': 'text/html' } }),
  () => {
    throw new TypeError(`fetch failed: ${MARK}`)
  },
]

/** Answers without a picture. For a text they would be the answer. */
const GARBLED: readonly Mood[] = [
  () => json({ [MARK]: true }, 200),
  () => json({ data: [{ b64_json: MARK }] }, 200),
  () => json({ data: [{ b64_json: 'AAAA' }], usage: MARK }, 200),
  () => new Response(`{"data":[{"b64_json":"${MARK}`, { headers: { 'content-type': 'application/json' } }),
  () => new Response(`data: {"error":{"message":"${MARK}"}}\n\n`, { headers: { 'content-type': 'text/event-stream' } }),
]

/** One call in so many has a mood. */
const MOODY_ONE_IN = 9

/** A fake of each provider, beside the two that most requests meet. */
const FAKES_OF_ALL = FAKES.map((Fake) => new Fake())
const hostOf = (provider: string): string => `${provider}.example.com`
for (const fake of FAKES_OF_ALL) fake.origin = `https://${hostOf(fake.provider)}`

/** The models of those fakes. */
export const OTHER_MODELS = FAKES_OF_ALL.map((fake) => modelOf(fake, FAKES_OF_ALL))

/** The hosts of the fuzzer: mostly strict upstreams, pictures for URLs, and receivers of webhooks. */
export async function playUpstreams(): Promise<void> {
  const [images, texts] = [new FakeOpenai(), new FakeText(['sk-first-secret'], ['talker'])]
  const picture = concatenate(...piecesOf(await makePicture('png', 'fuzz', 200)))
  let calls = 0
  const moody = (fake: Pick<FakeText, 'handle' | 'reset'>, moods: readonly Mood[]) => ({
    handle: async (request: Request): Promise<Response> => {
      calls += 1
      if (calls % 200 === 0) fake.reset()
      const mood = calls % MOODY_ONE_IN === 0 ? moods[(calls / MOODY_ONE_IN) % moods.length] : undefined
      return mood ? mood() : await fake.handle(request)
    },
  })
  const files = (request: Request): Response =>
    request.url.endsWith('.png')
      ? new Response(Uint8Array.from(picture), { headers: { 'content-type': 'image/png' } })
      : new Response(`<html>${MARK}</html>`, { headers: { 'content-type': 'text/html' } })
  for (const fake of FAKES_OF_ALL) fake.reset()
  const others = FAKES_OF_ALL.map((fake) => [hostOf(fake.provider), moody(fake, [...ERRORS, ...GARBLED])] as const)
  internet({
    ...Object.fromEntries(others),
    'api.openai.com': moody(images, [...ERRORS, ...GARBLED]),
    'first.example.com': moody(texts, ERRORS),
    'pictures.example.com': { handle: files },
    'hooks.example.com': { handle: () => new Response(MARK, { status: calls % 2 === 0 ? 200 : 500 }) },
  })
}

export const FUZZ_UPSTREAMS = [
  ...settingsOf(FAKES_OF_ALL).map((setting) => ({ ...setting, timeout_seconds: 5 })),
  { name: 'openai', provider: 'openai', secret: 'UPSTREAM_KEY', models: ['gpt-image-*'], timeout_seconds: 5 },
  {
    name: 'first',
    provider: 'openai',
    secret: 'FIRST_KEY',
    base_url: 'https://first.example.com/v1',
    models: ['talker'],
    timeout_seconds: 5,
  },
]
