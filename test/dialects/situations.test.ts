import { describe, expect, test, vi } from 'vitest'
import { joined } from '../support/joining'
import { gated } from '../support/billing-upstream'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { EDIT_WAYS } from '../support/edit-ways'
import type { ExpectedFailure } from '../support/expected-failures'
import { showsPicture, STREAM_WAYS, WAYS } from '../support/ways'

const { upstream } = upstreams()

const PROMPT = 'A cat'

async function expectTold(response: Response, [status, words]: ExpectedFailure): Promise<void> {
  const text = await response.text()
  expect([response.status, text]).toEqual([status, expect.stringContaining(words)])
  expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  expect(showsPicture(text)).toBe(false)
}

describe.each([...WAYS, ...STREAM_WAYS, ...EDIT_WAYS].map((way) => [way.name, way] as const))(
  '%s',
  (_, { ask, failures }) => {
    test('fresh: the picture is made', async () => {
      const response = await ask({ prompt: PROMPT })
      expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'MISS'])
      expect([response.headers.get('x-upstream'), response.headers.get('x-model')]).toEqual(['openai', 'gpt-image-2'])
      expect(showsPicture(await response.text())).toBe(true)
      expect(upstream.calls).toHaveLength(1)
    })

    test('hit: an equal request is answered from the cache, at no cost', async () => {
      await (await ask({ prompt: PROMPT })).text()
      const response = await ask({ prompt: PROMPT })
      expect([response.headers.get('x-cache'), response.headers.get('x-cost-usd')]).toEqual(['HIT', '0.000000'])
      expect(showsPicture(await response.text())).toBe(true)
      expect(upstream.calls).toHaveLength(1)
    })

    test('joined: a simultaneous request gets the same picture', async () => {
      const gate = gated(upstream)
      const first = ask({ prompt: PROMPT })
      await vi.waitUntil(() => gate.held === 1)
      const { begun: second } = await joined(() => ask({ prompt: PROMPT }))
      gate.open()
      const answers = await Promise.all([first, second])
      expect(answers.map(({ headers }) => headers.get('x-cache'))).toEqual(['MISS', 'JOINED'])
      const texts = await Promise.all(answers.map((answer) => answer.text()))
      expect(texts.map(showsPicture)).toEqual([true, true])
      expect(upstream.calls).toHaveLength(1)
    })

    test('moderated: the refusal has the form of the dialect and is not repeated upstream', async () => {
      await expectTold(await ask({ prompt: 'A cat @fault=moderation' }), failures.moderated)
      await expectTold(await ask({ prompt: 'A cat @fault=moderation' }), failures.moderated)
      expect(upstream.calls).toHaveLength(1)
    })

    test('limited: no upstream is called', async () => {
      const { key } = await team('acme', { requests_per_minute: 1 })
      await (await ask({ prompt: PROMPT }, key)).text()
      const response = await ask({ prompt: 'A dog' }, key)
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      await expectTold(response, failures.limited)
      expect(upstream.calls).toHaveLength(1)
    })

    test("upstream down: the error has none of the upstream's words", async () => {
      const response = await ask({ prompt: 'A cat @fault=500' })
      await expectTold(response, failures.down)
    })

    test('bad input: no upstream is called', async () => {
      await expectTold(await ask({ prompt: '' }), failures.bad)
      expect(upstream.calls).toHaveLength(0)
    })
  },
)
