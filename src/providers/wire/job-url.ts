import type { Upstream } from '../provider'

/** A job's id without characters that lead to another path. */
const ID = /^[\w-]+$/

/**
 * The URL of a job's state: the named URL at the upstream's own host, or a path with the id.
 * A proxy passes on the URLs of the upstream behind it. The credential must not go to their host.
 */
export function jobUrl(
  { baseUrl }: Pick<Upstream, 'baseUrl'>,
  named: string,
  id: string | undefined,
  pathOf: (id: string) => string,
): string {
  const isOwn = new URL(named).origin === new URL(baseUrl).origin
  return isOwn || id === undefined || !ID.test(id) ? named : pathOf(id)
}
