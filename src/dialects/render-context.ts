import type { Context } from 'hono'
import { type App, linkOf } from '../context'
import { imageReference, type ReferenceContext } from '../store/links'

/** The request of an answer. */
export interface RenderContext {
  /** The id of the generation. */
  generation: string
  requestId: string
  /** The arrival of the request, in ms since 1970. */
  startedMs: number
  /** The prompt, as long as the request is at hand: none is kept after the end. */
  prompt?: string | undefined
  /** Makes a URL of the picture under a key; the settings limit its time. */
  link: (key: string) => string
  /** Names the picture under a key for later requests; without a key, the picture in the making. */
  reference: (key?: string) => string
}

/** The context of an answer, which may belong to an earlier request. */
export const renderContextOf = (
  request: ReferenceContext & Pick<RenderContext, 'prompt'>,
  c: Context<App>,
): RenderContext => ({
  ...request,
  link: linkOf(c),
  reference: (key) => imageReference(request, key, c.get('config')),
})
