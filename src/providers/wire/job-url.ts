import type { Upstream } from '../provider'

/** As every API has it that names where a job is asked about; nothing that would lead elsewhere. */
const ID = /^[\w-]+$/

/**
 * Where a job is asked about: at the URL that an answer named, or where that is another host's, at a path under the base
 * URL that goes by the job's id. A proxy passes on what the upstream behind it says, and no host that an answer named is
 * told the credential.
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
