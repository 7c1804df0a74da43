import type { OwnServer } from '../../image/source'
import type { Upstream } from '../provider'

/** The server of an upstream, for the links in its answers. A binding has none. */
export const ownServer = (upstream: Upstream): OwnServer | undefined =>
  URL.canParse(upstream.baseUrl)
    ? { baseUrl: upstream.baseUrl, headers: upstream.provider.account?.(upstream) ?? {} }
    : undefined
