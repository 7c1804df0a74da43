import type { LimitStatus } from '../limits/limit-status'

/** What the two families of headers call a limit, and the window it is for, in seconds. */
const POLICIES = {
  requests_per_minute: { policy: 'minute', unit: 'requests', seconds: 60 },
  requests_per_day: { policy: 'day', unit: 'requests', seconds: 86_400 },
  images_per_day: { policy: 'images', unit: 'images', seconds: 86_400 },
} as const

type Metered = LimitStatus & { limit: keyof typeof POLICIES }

const isMetered = (standing: LimitStatus): standing is Metered => standing.limit in POLICIES

/**
 * How the limits of requests and images stand, as OpenAI's clients read it and as the IETF drafts it (protocols §8.3).
 * Where several limits are for the same, the one of which the least is left speaks for all.
 */
export function limitHeaders(statuses: readonly LimitStatus[]): Record<string, string> {
  const metered = statuses.filter(isMetered)
  const tightest = (of: (each: Metered) => boolean): Metered | undefined =>
    metered.filter(of).toSorted((a, b) => a.remaining - b.remaining || (b.resetMs ?? 0) - (a.resetMs ?? 0))[0]
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

function openaiHeaders(unit: string, standing: Metered | undefined): Record<string, string> {
  if (!standing) return {}
  return {
    [`x-ratelimit-limit-${unit}`]: String(standing.max),
    [`x-ratelimit-remaining-${unit}`]: String(standing.remaining),
    [`x-ratelimit-reset-${unit}`]: duration(standing.resetMs ?? 0),
  }
}

function ietfHeaders(statuses: readonly Metered[]): Record<string, string> {
  const worded = (word: (each: Metered) => string): string => statuses.map(word).join(', ')
  return {
    'ratelimit-policy': worded(({ limit, max }) => {
      const { policy, unit, seconds } = POLICIES[limit]
      return `"${policy}";q=${max};w=${seconds}${unit === 'requests' ? '' : `;qu="${unit}"`}`
    }),
    ratelimit: worded(
      ({ limit, remaining, resetMs }) =>
        `"${POLICIES[limit].policy}";r=${remaining};t=${Math.ceil((resetMs ?? 0) / 1000)}`,
    ),
  }
}

/** As OpenAI writes it: `467ms`, `12s`, `6m0s`, `23h59m59s`. */
function duration(ms: number): string {
  if (ms > 0 && ms < 1000) return `${Math.ceil(ms)}ms`
  const all = Math.ceil(ms / 1000)
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60]
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}s`
}
