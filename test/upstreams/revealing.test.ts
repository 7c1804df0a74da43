import { beforeEach, expect, test, vi } from 'vitest'
import { modelOf, settingsOf } from '../support/fake-models'
import { FakeOpenaiProvider } from '../support/fake-openai-provider'
import type { FakeProvider } from '../support/fake-provider'
import { FAKES } from '../support/fakes'
import { full } from '../support/full'
import { knock, post } from '../support/gateway'
import { internet } from '../support/internet'
import { playing } from '../support/playing'
import { settings } from '../support/settings'
import { operate, team } from '../support/teams'

const fakes = playing(new FakeOpenaiProvider(), ...FAKES.map((Fake) => new Fake()))
settings({ UPSTREAMS: JSON.stringify(settingsOf(fakes)) })

const REVEALED = [
  'key-of-the-fake',
  'sk-other1234567890',
  'ops@relay.example',
  '203.0.113.9',
  'https://admin.relay.example/keys?token=abc',
  'intranet.relay.internal',
]
const SENTENCE = `This size is not made (${REVEALED.join(' ')}).`

/** An error with the sentence in the fields of every API. */
const refusal = (status: number): Response =>
  Response.json(
    {
      error: { message: SENTENCE, type: 'invalid_request_error', code: REVEALED[1], param: REVEALED[2] },
      errors: [SENTENCE, { message: SENTENCE, name: SENTENCE }],
      detail: SENTENCE,
      details: SENTENCE,
      title: SENTENCE,
      name: SENTENCE,
      message: SENTENCE,
      msg: SENTENCE,
      description: SENTENCE,
      result: SENTENCE,
      code: 4,
      success: false,
    },
    { status },
  )

let logged: string[]
beforeEach(() => {
  logged = []
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => void logged.push(...words.map(String)))
})

const STATUSES = full ? [200, 400, 401, 422, 429, 500] : [200, 422]

test.each(fakes)('answers, the audit and the log hold nothing that an error of $provider reveals', async (fake) => {
  const { key } = await team('acme')
  const answers: string[] = []
  for (const status of STATUSES) {
    internet({ [new URL(fake.origin).hostname]: { handle: () => refusal(status) } })
    const asked = { model: modelOf(fake, fakes), prompt: `A cat ${status}` }
    const response = await post('/v1/images/generations', asked, { authorization: `Bearer ${key}` })
    expect(response.status).toBeGreaterThanOrEqual(400)
    answers.push(JSON.stringify([...response.headers]), await response.text())
  }
  const headers = { authorization: `Bearer ${key}` }
  for (const read of [knock('/v1/generations', { headers }), operate('GET', '/audit?team=acme')])
    answers.push(await (await read).text())
  answers.push(await (await operate('GET', '/upstreams')).text(), ...logged)
  for (const secret of REVEALED) expect(answers.join('\n')).not.toContain(secret)
  expect(answers.join('\n')).toMatch(/This size is not made|refused the request/)
})

/** The fake of OpenAI's own API. */
const [openai] = fakes satisfies FakeProvider[]

test('a sentence about the request reaches the client without the rest', async () => {
  internet({ [new URL(openai.origin).hostname]: { handle: () => refusal(400) } })
  const response = await post('/v1/images/generations', { model: modelOf(openai, fakes), prompt: 'A cat' })
  expect(await response.json()).toEqual({
    error: {
      message: 'This size is not made (*** *** *** *** *** ***).',
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_value',
    },
  })
})
