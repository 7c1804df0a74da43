import type { Context } from 'hono'
import { type App, linkOf } from '../context'
import { imageReference, type ReferenceContext } from '../store/links'

/** The request that an answer belongs to. */
export interface RenderContext {
  /** The generation's id. */
  generation: string
  requestId: string
  /** When it came, in ms since 1970. */
  startedMs: number
  /** Makes a URL that shows the picture under a key, for as long as the settings say. */
  link: (key: string) => string
  /** Makes a name by which a later request can mean the picture under a key; without one, the picture that is being made. */
  reference: (key?: string) => string
}

/** What a dialect may know of the request that an answer belongs to, which need not be this one. */
export const renderContextOf = (request: ReferenceContext, c: Context<App>): RenderContext => ({
  ...request,
  link: linkOf(c),
  reference: (key) => imageReference(request, key, c.get('config')),
})
