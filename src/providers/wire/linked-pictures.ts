import { fetchImage, type FetchRules, type OwnServer } from '../../image/source'
import type { LinkSource, Upstream, Work } from '../provider'

/** Reads the pictures behind the links of an upstream's answers. */
export const linkedPictures =
  (upstream: Upstream, rules: Omit<FetchRules, 'schemes' | 'own'>): Work['download'] =>
  (link, source) =>
    fetchImage(link, { ...rules, schemes: ['https:', 'http:'], own: ownServer(upstream, source) })

/** The server of an upstream, for the links in its answers. A binding has none. */
const ownServer = (upstream: Upstream, source: LinkSource = { isFromWords: false }): OwnServer | undefined =>
  URL.canParse(upstream.baseUrl)
    ? {
        baseUrl: upstream.baseUrl,
        ...(source.isFromWords ? {} : { headers: upstream.provider.account?.(upstream) ?? {} }),
      }
    : undefined
