import * as z from 'zod'
import { pricesSetting } from '../catalog/prices'
import { PROVIDERS } from '../providers'
import type { Provider, Upstream } from '../providers/provider'

/** `ours` or `ours=theirs`; a pattern may end in `*` and then has no `theirs`. */
const modelRule = z
  .string()
  .regex(
    /^(?:[^*=\s]*\*|[^*=\s]+(?:=[^*=\s]+)?)$/,
    'a model is "name", "name=their-name" or a pattern such as "gpt-image-*"',
  )
  .transform((rule) => {
    const [ours = '', theirs] = rule.split('=')
    return theirs ? { ours, theirs } : { ours }
  })

/** The slowest images take two minutes (protocols §1.7). */
const DEFAULT_TIMEOUT_SECONDS = 300

/** One entry of UPSTREAMS, as README.md describes it. */
export const upstreamSetting = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,64}$/, 'a name has only letters, digits, ".", "_" and "-"'),
  provider: z.enum(PROVIDERS.map((provider) => provider.id)),
  secret: z.string(),
  base_url: z.url({ protocol: /^https?$/ }).optional(),
  models: z.array(modelRule).min(1).optional(),
  priority: z.number().int().default(0),
  timeout_seconds: z.number().positive().max(840).default(DEFAULT_TIMEOUT_SECONDS),
  prices: z.record(z.string(), pricesSetting).default({}),
})
export type UpstreamSetting = z.infer<typeof upstreamSetting>

/** Where the secrets come from; undefined where one is not set. */
type Secrets = (name: string) => string | undefined

/**
 * Every account that requests can be sent to: those of the settings, or, where there are none, one for each well-known
 * provider whose secret is set; and the demo, when it is on, for the models given. Throws Error naming what is missing.
 */
export function configuredUpstreams(
  settings: UpstreamSetting[] | undefined,
  demo: { on: boolean; delayMs: number; models: readonly string[] },
  secrets: Secrets,
): Upstream[] {
  const named = settings?.flatMap((setting) => accountsOf(setting, secrets))
  const upstreams = named ?? PROVIDERS.flatMap((provider) => wellKnown(provider, secrets))
  const names = [...(settings ?? []).map(({ name }) => name), ...(demo.on ? [DEMO_NAME] : [])]
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice)
    throw new Error(`UPSTREAMS: there are two by the name of ${twice}; what was paid to whom would be confused`)
  return demo.on ? [...upstreams, demoUpstream(demo)] : upstreams
}

const DEMO_NAME = 'demo'

/** A secret may hold several credentials, separated by commas: each is an account of its own. */
const credentialsOf = (secret: string): string[] =>
  secret
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)

function accountsOf(setting: UpstreamSetting, secrets: Secrets): Upstream[] {
  const provider = providerOf(setting.provider)
  const baseUrl = setting.base_url ?? provider.wellKnown?.baseUrl
  if (!baseUrl) throw new Error(`UPSTREAMS: ${setting.name} needs a base_url`)
  const credentials = credentialsOf(secrets(setting.secret) ?? '')
  if (credentials.length === 0) throw new Error(`UPSTREAMS: ${setting.name} needs the secret ${setting.secret}`)
  return credentials.map((credential, account) => ({
    name: setting.name,
    provider,
    account,
    credential,
    baseUrl: baseUrl.replace(/\/+$/, ''),
    models: setting.models ?? patternsOf(setting.base_url ? ['*'] : (provider.wellKnown?.models ?? ['*'])),
    priority: setting.priority,
    standIn: false,
    timeoutMs: setting.timeout_seconds * 1000,
    delayMs: 0,
    prices: new Map(Object.entries(setting.prices)),
  }))
}

function wellKnown(provider: Provider, secrets: Secrets): Upstream[] {
  const { secret } = provider.wellKnown ?? {}
  if (!secret || !secrets(secret)) return []
  return accountsOf(upstreamSetting.parse({ name: provider.id, provider: provider.id, secret }), secrets)
}

function demoUpstream({ delayMs, models }: { delayMs: number; models: readonly string[] }): Upstream {
  return {
    name: DEMO_NAME,
    provider: providerOf('demo'),
    account: 0,
    credential: '',
    baseUrl: '',
    models: patternsOf(models),
    priority: 0,
    standIn: true,
    timeoutMs: DEFAULT_TIMEOUT_SECONDS * 1000,
    delayMs,
    prices: new Map(),
  }
}

const patternsOf = (models: readonly string[]): { ours: string }[] => models.map((ours) => ({ ours }))

function providerOf(id: string): Provider {
  const provider = PROVIDERS.find((each) => each.id === id)
  if (!provider) throw new Error(`UPSTREAMS: there is no provider ${id}`)
  return provider
}
