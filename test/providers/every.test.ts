import { describe, expect, test } from 'vitest'
import { PROVIDERS } from '../../src/providers'
import { modelOf, settingsOf } from '../support/fake-models'
import { FakeOpenaiProvider } from '../support/fake-openai-provider'
import { type FakeProvider, htmlPage } from '../support/fake-provider'
import { FAKES } from '../support/fakes'
import { internet } from '../support/internet'
import { playing } from '../support/playing'
import { accountOf, asking, run, type Told } from '../support/provider-run'
import { settings } from '../support/settings'

const fakes = playing(new FakeOpenaiProvider(), ...FAKES.map((Fake) => new Fake()))
settings({ UPSTREAMS: JSON.stringify(settingsOf(fakes)) })

const hostOf = ({ origin }: FakeProvider): string => new URL(origin).hostname

/** The events of a fake's provider for a request of its model by the upstream's own name. */
function told(fake: FakeProvider, prompt: string, model?: string): Promise<Told[]> {
  const upstream = accountOf(fake)
  const ours = modelOf(fake, fakes)
  const theirs = upstream.models.find((rule) => rule.ours === ours)?.theirs ?? ours
  const [format = 'png'] = upstream.provider.models?.[theirs]?.formats ?? []
  return run(asking(prompt, { model: model ?? theirs, format, partials: 0 }), { upstream })
}

/** The names of the common faults in the oldest fake, which has names of its own. */
const faultOf = ({ provider }: FakeProvider, fault: string): string =>
  provider === 'openai' ? (OLD_NAMES[fault] ?? fault) : fault
const OLD_NAMES: Readonly<Record<string, string>> = {
  limited: '429',
  billing: 'quota',
  unauthorized: '401',
  malformed: 'html',
  error: '500',
}

test('every provider has a fake, except the demo', () => {
  const played = fakes.map(({ provider }) => provider)
  expect(played.toSorted()).toEqual(PROVIDERS.flatMap(({ id }) => (id === 'demo' ? [] : [id])).toSorted())
})

describe('a made picture leads to', () => {
  test.each(fakes)('an image and a summary, after the acceptance: $provider', async (fake) => {
    const events = (await told(fake, 'A cat')).filter((each) => !('type' in each && each.type === 'progress'))
    expect(events.filter((each) => !('type' in each && each.type === 'accepted'))).toMatchObject([
      { type: 'image', index: 0, picture: expect.stringMatching(/^\d+ PNG$/) },
      { type: 'summary' },
    ])
  })
})

/** The events of a failed run, the same for each provider. */
const FAILURES = {
  moderation: { kind: 'rejected', facts: { failure: { code: 'content_rejected', reason: 'moderation_blocked' } } },
  limited: { kind: 'throttled' },
  billing: { kind: 'misconfigured', facts: { scope: undefined } },
  unauthorized: { kind: 'misconfigured', facts: { scope: undefined } },
  malformed: { kind: 'unavailable' },
  error: { kind: 'unavailable' },
}

describe.each(Object.entries(FAILURES))('the failure named %s has the same kind everywhere', (fault, failure) => {
  test.each(fakes)('$provider', async (fake) => {
    const last = (await told(fake, `A cat @fault=${faultOf(fake, fault)}`)).at(-1)
    expect(last).toMatchObject(failure)
    expect(JSON.stringify(last)).not.toContain(fake.key)
  })
})

describe('a picture that cannot be fetched any more is lost', () => {
  test.each(fakes.filter(({ answersUrls }) => answersUrls))('$provider', async (fake) => {
    expect((await told(fake, 'A cat @fault=gone')).at(-1)).toMatchObject({ kind: 'lost' })
  })
})

describe('a web page that forbids a request, as a firewall sends it, leaves the account ready', () => {
  test.each(fakes)('$provider', async (fake) => {
    internet({ [hostOf(fake)]: { handle: () => htmlPage(403) } })
    expect(await told(fake, "A cat'; DROP TABLE")).toMatchObject([{ kind: 'unavailable' }])
  })
})

describe('a model name that leads to another path is refused', () => {
  const names = ['../../../v4/user', 'a/../../user', 'user?key=1', 'user#b', '%2e%2e/%2e%2e/user', '/user', 'a/./user']
  const elsewhere = /\/user(?:$|[/?#])|[?&]key=/
  test.each(fakes)('$provider', async (fake) => {
    for (const name of names) await told(fake, 'A cat', name)
    const front = new URL(fake.origin + fake.basePath).pathname
    expect(fake.sent.filter(({ path }) => !path.startsWith(front) || elsewhere.test(path))).toEqual([])
  })
})
