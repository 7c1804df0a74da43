import type { LimitStatus } from '../limits/limit-status'

/** The name, the unit and the window in seconds of each limit with headers. */
const POLICIES = {
  requests_per_minute: { policy: 'minute', unit: 'requests', seconds: 60 },
  requests_per_day: { policy: 'day', unit: 'requests', seconds: 86_400 },
  images_per_day: { policy: 'images', unit: 'images', seconds: 86_400 },
} as const

type HeaderLimit = LimitStatus & { limit: keyof typeof POLICIES }

const hasHeaders = (status: LimitStatus): status is HeaderLimit => status.limit in POLICIES

/**
 * The status of limits on requests and images, in OpenAI's headers and the IETF draft's (protocols §8.3).
 * Of several limits on the same unit, the one with the least remaining counts.
 */
export function limitHeaders(statuses: readonly LimitStatus[]): Record<string, string> {
  const limited = statuses.filter(hasHeaders)
  const tightest = (of: (each: HeaderLimit) => boolean): HeaderLimit | undefined =>
    limited.filter(of).toSorted((a, b) => a.remaining - b.remaining || (b.resetMs ?? 0) - (a.resetMs ?? 0))[0]
  const policies = Object.keys(POLICIES).flatMap((limit) => tightest((each) => each.limit === limit) ?? [])
  return {
    ...openaiHeaders(
      'requests',
      tightest(({ limit }) => POLICIES[limit].unit === 'requests'),
    ),
    ...openaiHeaders(
      'images',
      tightest(({ limit }) => POLICIES[limit].unit === 'images'),
    ),
    ...(policies.length > 0 ? ietfHeaders(policies) : {}),
  }
}

function openaiHeaders(unit: string, status: HeaderLimit | undefined): Record<string, string> {
  if (!status) return {}
  return {
    [`x-ratelimit-limit-${unit}`]: String(status.max),
    [`x-ratelimit-remaining-${unit}`]: String(status.remaining),
    [`x-ratelimit-reset-${unit}`]: duration(status.resetMs ?? 0),
  }
}

function ietfHeaders(statuses: readonly HeaderLimit[]): Record<string, string> {
  const joined = (item: (each: HeaderLimit) => string): string => statuses.map(item).join(', ')
  return {
    'ratelimit-policy': joined(({ limit, max }) => {
      const { policy, unit, seconds } = POLICIES[limit]
      return `"${policy}";q=${max};w=${seconds}${unit === 'requests' ? '' : `;qu="${unit}"`}`
    }),
    ratelimit: joined(
      ({ limit, remaining, resetMs }) =>
        `"${POLICIES[limit].policy}";r=${remaining};t=${Math.ceil((resetMs ?? 0) / 1000)}`,
    ),
  }
}

/** A duration in OpenAI's form: `467ms`, `12s`, `6m0s`, `23h59m59s`. */
function duration(ms: number): string {
  if (ms > 0 && ms < 1000) return `${Math.ceil(ms)}ms`
  const all = Math.ceil(ms / 1000)
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60]
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}s`
}
