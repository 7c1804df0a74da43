import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import type { JobForm } from '../../src/dialects/job-form'
import { draw, type Wrapped } from '../support/grsai'
import { jobWithStatus } from '../support/jobs'
import { receivers, send } from '../support/receiver'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

/** Stores the wants of a job in a form that this version cannot read. */
function noteOtherwise(change: Partial<JobForm>): void {
  const getByName = env.GENERATIONS.getByName.bind(env.GENERATIONS)
  vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    const submit: typeof stub.submit = (ask, form) => {
      const { webhook } = ask
      const noted = webhook?.form && { ...webhook, form: { ...webhook.form, ...change } }
      return stub.submit({ ...ask, ...(noted ? { webhook: noted } : {}) }, { ...form, ...change })
    }
    return new Proxy(stub, { get: (_, verb) => (verb === 'submit' ? submit : Reflect.get(stub, verb)) })
  })
}

test.each([{ wants: '{}' }, { dialect: 'forgotten' }])(
  'a job in the form of an earlier version (%j) ends well, without a result in its dialect',
  async (change) => {
    const { key } = await team('acme')
    noteOtherwise(change)
    const response = await draw({ webHook: HOOK }, key)
    const { id } = (await response.json<Wrapped<{ id: string }>>()).data
    const { images, result } = await jobWithStatus(key, id, 'succeeded', 'failed')
    await send()
    expect([images.length, result, hooks.got]).toEqual([1, null, []])
  },
)
