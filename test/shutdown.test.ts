import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { configOf } from '../src/config'
import { planRun } from '../src/generation/plan'
import { candidates } from '../src/upstreams/candidates'
import { resolveModel } from '../src/upstreams/names'
import { asking } from './catalog/requests'
import { KEY, openai } from './support/gateway'
import { pictureFile } from './support/pictures'
import { askWith } from './support/settings'
import { ask } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

const EDIT = { model: 'gpt-image-1-mini', prompt: 'A cat' }

/** The tests' upstream lists the second one by its name, and the first by a pattern only. */
const [MINI, LISTED] = ['gpt-image-1-mini', 'gpt-image-1.5']
const FIRST_DAY = Date.UTC(2026, 11, 1)

beforeEach(() => void vi.setSystemTime(FIRST_DAY - 1))

const askFor = (model: string, body: object = {}, headers: Record<string, string> = {}): Promise<Response> =>
  ask(KEY, { model, ...body }, headers)

const told = ({ headers }: Response) => ({ sunset: headers.get('sunset'), warning: headers.get('warning') })

const NOTHING = { sunset: null, warning: null }
const WARNED = {
  sunset: 'Tue, 01 Dec 2026 00:00:00 GMT',
  warning: `299 - "The model 'gpt-image-1-mini' will be shut down on 2026-12-01. Ask for 'gpt-image-2.5-flare' instead."`,
}

describe('before its day of shutdown, a model has a Sunset header', () => {
  test.each<[string, string, object, Record<string, string>]>([
    ['a whole answer', 'MISS', {}, {}],
    ['a stream that was begun early', '', { stream: true, partial_images: 1, prompt: 'Slow @pace=20' }, {}],
    ["a job's status", '', {}, { prefer: 'respond-async' }],
  ])('by %s', async (_, cache, body, headers) => {
    const response = await askFor(MINI, body, headers)
    await response.text()
    expect([response.headers.get('x-cache') ?? '', told(response)]).toEqual([cache, WARNED])
  })

  test('in a cached answer', async () => {
    await (await askFor(MINI)).text()
    const again = await askFor(MINI)
    await again.text()
    expect([again.headers.get('x-cache'), told(again)]).toEqual(['HIT', WARNED])
  })

  test("behind an operator's own name as well", async () => {
    const response = await askWith({ MODEL_ALIASES: { small: MINI } }, KEY, { model: 'small' })
    expect(told(response)).toEqual(WARNED)
  })

  test('and other models have none', async () => {
    const [live, retired] = [await askFor('gpt-image-2.5-flare'), await askFor('dall-e-3')]
    expect([told(live), told(retired)]).toEqual([NOTHING, NOTHING])
  })
})

describe('from that day on', () => {
  test('its successor answers, with a note and without a warning', async () => {
    await (await askFor(MINI)).text()
    vi.setSystemTime(FIRST_DAY)
    const response = await askFor(MINI)
    await response.text()
    expect(upstream.calls.map(({ fields }) => fields['model'])).toEqual([MINI, 'gpt-image-2.5-flare'])
    expect(response.headers.get('x-adjusted')).toBe('model=gpt-image-1-mini>gpt-image-2.5-flare')
    expect([response.headers.get('x-model'), told(response)]).toEqual(['gpt-image-2.5-flare', NOTHING])
  })

  test('a transparent background is made, and the fidelity of its successor is no reason to refuse', async () => {
    vi.setSystemTime(FIRST_DAY)
    const [clear, edit] = [
      await askFor('chatgpt-image-latest', { background: 'transparent' }),
      await openai()
        .images.edit({ ...EDIT, image: await pictureFile('one'), input_fidelity: 'high' })
        .withResponse(),
    ]
    expect([clear.status, clear.headers.get('x-adjusted')]).toEqual([
      200,
      'model=chatgpt-image-latest>gpt-image-2.5-sunburst',
    ])
    expect(edit.response.headers.get('x-adjusted')).toBe('model=gpt-image-1-mini>gpt-image-2.5-flare, input_fidelity')
    expect(upstream.calls.map(({ fields }) => [fields['background'], fields['input_fidelity']])).toEqual([
      ['transparent', undefined],
      [undefined, undefined],
    ])
  })

  test.each(['gpt-image-1', 'dall-e-3'])('a transparent background of %s is made', async (model) => {
    const response = await askFor(model, { background: 'transparent' })
    expect([response.status, response.headers.get('x-model')]).toEqual([200, 'gpt-image-2.5-sunburst'])
  })

  test('a strict request is refused', async () => {
    vi.setSystemTime(FIRST_DAY)
    const response = await askFor(MINI, {}, { 'x-strict': 'true' })
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'model' } }])
  })

  test('an upstream that lists the model by its name still serves it', async () => {
    vi.setSystemTime(FIRST_DAY)
    const response = await askFor(LISTED)
    await response.text()
    expect([response.status, response.headers.get('x-model'), told(response)]).toEqual([200, LISTED, NOTHING])
    expect(response.headers.get('x-adjusted')).toBeNull()
  })

  test('neither a well-known provider nor the demo serves it by default', () => {
    const names = (settings: object, model: string, nowMs: number): string[] =>
      candidates(configOf({ ...env, UPSTREAMS: undefined, ...settings }), model, nowMs).map(
        (each) => each.upstream.name,
      )
    const secrets = { OPENAI_API_KEY: 'a', GRSAI_API_KEY: 'b' }
    expect(names(secrets, LISTED, FIRST_DAY - 1)).toEqual(['openai', 'grsai'])
    expect(names(secrets, 'chatgpt-image-latest', FIRST_DAY - 1)).toEqual(['openai'])
    expect(names({}, LISTED, FIRST_DAY - 1)).toEqual(['demo'])
    for (const settings of [secrets, {}])
      for (const model of [LISTED, MINI, 'chatgpt-image-latest']) expect(names(settings, model, FIRST_DAY)).toEqual([])
  })

  test('earlier answers stay under its name', () => {
    const serving = (askedMs: number) => planRun({ request: asking(MINI) }, configOf({ ...env }), askedMs).candidates
    expect(serving(FIRST_DAY - 1).map(({ model }) => model)).toEqual([MINI])
    expect(serving(FIRST_DAY)).toEqual([])
  })
})

describe('the list of models', () => {
  const listed = async () => new Map((await openai().models.list()).data.map((each) => [each.id, each.shutdown_date]))

  test('has the day of each, or null', async () => {
    const models = await listed()
    const dates = [MINI, LISTED, 'chatgpt-image-latest', 'gpt-image-2'].map((name) => models.get(name))
    expect(dates).toEqual(['2026-12-01', '2026-12-01', '2026-12-01', null])
  })

  test('drops a model from that day on, unless an upstream lists it by name', async () => {
    vi.setSystemTime(FIRST_DAY)
    const models = await listed()
    expect([MINI, 'chatgpt-image-latest', LISTED].map((name) => models.has(name))).toEqual([false, false, true])
  })

  test('still finds it by its name, also with a vendor, with its last day', async () => {
    const found = { shutdown_date: '2026-12-01' }
    expect(await openai().models.retrieve(`openai/${MINI}`)).toMatchObject(found)
    vi.setSystemTime(FIRST_DAY)
    expect(await openai().models.retrieve(MINI)).toMatchObject({ id: MINI, ...found })
  })
})

describe('a shutdown in the settings', () => {
  const shutdown = { date: '2027-06-01', successor: 'gpt-image-2' }
  const MODELS = { 'relay-art': { shutdown } }

  test('leads to a warning', async () => {
    const response = await askWith({ MODELS }, KEY, { model: 'relay-art' })
    expect(told(response)).toEqual({
      sunset: 'Tue, 01 Jun 2027 00:00:00 GMT',
      warning: `299 - "The model 'relay-art' will be shut down on 2027-06-01. Ask for 'gpt-image-2' instead."`,
    })
  })

  test('applies to successors of any depth', () => {
    const ends = { 'gpt-image-2': { shutdown: { ...shutdown, successor: 'gpt-image-2.5-flare' } } }
    const config = configOf({ ...env, MODELS: { ...MODELS, ...ends } })
    const meant = (name: string, date: string) => resolveModel(name, config, Date.parse(date))
    expect(meant('relay-art', '2027-05-31')).toEqual({ model: 'relay-art', retired: false })
    expect(meant('relay-art', shutdown.date)).toEqual({ model: 'gpt-image-2.5-flare', retired: true })
    expect(meant('dall-e-2', shutdown.date)).toEqual({ model: 'gpt-image-2.5-flare', retired: true })
  })

  test('of two that succeed each other leaves neither', () => {
    const [a, b] = [
      { shutdown: { ...shutdown, successor: 'relay-b' } },
      { shutdown: { ...shutdown, successor: 'relay-a' } },
    ]
    const config = configOf({ ...env, MODELS: { 'relay-a': a, 'relay-b': b } })
    expect(resolveModel('relay-a', config, Date.parse(shutdown.date))).toBeUndefined()
  })
})
