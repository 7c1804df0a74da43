import { describe, expect, test } from 'vitest'
import { covering } from '../support/covering'
import { EDIT_WAYS } from '../support/edit-ways'
import { modelOf, settingsOf } from '../support/fake-models'
import { FakeOpenaiProvider } from '../support/fake-openai-provider'
import { FAKES } from '../support/fakes'
import { picture } from '../support/pictures'
import { playing } from '../support/playing'
import { settings } from '../support/settings'
import { type Question, showsPicture, STREAM_WAYS, WAYS, type Way } from '../support/ways'

const fakes = playing(new FakeOpenaiProvider(), ...FAKES.map((Fake) => new Fake()))
settings({ UPSTREAMS: JSON.stringify(settingsOf(fakes)), DEMO_UPSTREAM: true })

/** A provider with a model of its own, and the number of calls that it needs for a picture. */
interface Row {
  provider: string
  model: string
  edits: boolean
  begun: () => number
  begins: number
}

const ROWS: readonly Row[] = [
  // The demo serves a model without another upstream, and has no calls.
  { provider: 'demo', model: 'gpt-image-2', edits: true, begun: () => 0, begins: 0 },
  ...fakes.map((fake) => ({
    provider: fake.provider,
    model: modelOf(fake, fakes),
    edits: fake.edits,
    begun: () => fake.submits,
    begins: fake.submitsEach,
  })),
]

/** One way for each wire format. */
const inEachFormat = WAYS.filter(({ name }) =>
  [
    'OpenAI Images',
    'chat as relays speak it',
    'OpenRouter images',
    'Responses with the tool',
    'Gemini',
    'GrsAI draw',
  ].includes(name),
)

const pairs = (rows: readonly Row[], ways: readonly Way[], times: number): [string, string, Row, Way][] =>
  covering(rows, ways, times).map(([row, way]) => [way.name, row.provider, row, way])

/** A stream with progress begins before its upstream is known, so a second request reads the upstream. */
const hasBegunEarly = ({ headers }: Response): boolean => headers.get('x-accel-buffering') === 'no'

async function makesOne({ provider, model, begun, begins }: Row, { ask }: Way, question: Question): Promise<void> {
  const response = await ask({ ...question, model })
  const text = await response.text()
  expect([response.status, showsPicture(text)], text.slice(0, 500)).toEqual([200, true])
  const { headers } = hasBegunEarly(response) ? await ask({ ...question, model }) : response
  expect([headers.get('x-upstream'), begun()]).toEqual([provider, begins])
}

describe('a picture is made in each wire format by each provider', () => {
  test.each(pairs(ROWS, [...WAYS, ...STREAM_WAYS], 3))('%s, %s', async (_, __, row, way) => {
    await makesOne(row, way, { prompt: 'A cat' })
  })
})

describe('so is one of the most usual size', () => {
  const size = { pixels: '1024x1024', ratio: '1:1', resolution: '1K' }
  test.each(pairs(ROWS, inEachFormat, 1))('%s, %s', async (_, __, row, way) => {
    await makesOne(row, way, { prompt: 'A cat', size })
  })
})

describe('so is an edit', () => {
  const rows = ROWS.filter(({ edits }) => edits)
  test.each(pairs(rows, [...inEachFormat, ...EDIT_WAYS], 2))('%s, %s', async (_, __, row, way) => {
    const dataUrl = `data:image/png;base64,${(await picture('a cat')).toBase64()}`
    await makesOne(row, way, { prompt: 'Make it blue', picture: dataUrl })
  })
})
