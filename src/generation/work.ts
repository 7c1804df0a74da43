import type { Failure } from '../failures/errors'
import type { Upstream, Work } from '../providers/provider'
import { linkedPictures } from '../providers/wire/linked-pictures'
import { openInput } from '../store/inputs'
import type { Call } from './progress'
import type { RunContext } from './run-context'
import { InputNotRead } from './spending'

/** The context of a call to a provider. */
export const workOf = (
  { env, config, task }: RunContext,
  { job }: Pick<Call, 'job'>,
  { model, signal, upstream }: Pick<Work, 'model' | 'signal'> & { upstream: Upstream },
): Work => ({
  model,
  signal,
  job,
  hops: task.hops,
  open: (input) =>
    openInput(env.IMAGES, input).catch((error: unknown) => {
      throw new InputNotRead(NOT_READ, { cause: error })
    }),
  download: linkedPictures(upstream, { allowPrivateUrls: config.allowPrivateUrls, signal, isPaidFor: true }),
})

const NOT_READ: Failure = {
  code: 'unavailable',
  message: 'The gateway could not read an input image again. Try again in a moment.',
  retryAfterMs: 2000,
}
