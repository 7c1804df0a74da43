import * as z from 'zod'
import { ConfigError } from '../failures/config-error'
import { pricesSetting } from '../catalog/prices'
import { PROVIDERS } from '../providers'
import type { Provider, Upstream } from '../providers/provider'
import { isLikeCredential } from '../runtime/redacted'

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

/** A credential may consist of capitals and digits, too. */
const isSecretName = (name: string): boolean => /^[A-Z][A-Z0-9_]*$/.test(name) && !isLikeCredential(name)

const hasUser = (url: string): boolean => URL.canParse(url) && `${new URL(url).username}${new URL(url).password}` !== ''

/** The slowest images take two minutes (protocols §1.7). */
const DEFAULT_TIMEOUT_SECONDS = 300
/** A call keeps its object alive for 15 minutes (platform §3), and storing its end takes a part of that. */
const MAX_TIMEOUT_SECONDS = 840
/** No upstream answers sooner, in seconds. */
const MIN_TIMEOUT_SECONDS = 0.1
/** A share below a thousandth is the job of `priority`. */
const MAX_WEIGHT = 1000

/** One entry of UPSTREAMS, with the descriptions that docs/settings.md shows. */
export const upstreamSetting = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'a name has only letters, digits, ".", "_" and "-"')
    .refine((name) => !isLikeCredential(name), 'a name is shown to clients, and this one looks like a secret')
    .describe('its name in answers, usage and audits'),
  provider: z.enum(PROVIDERS.map((provider) => provider.id)).describe('the API that it speaks'),
  secret: z
    .string()
    .refine(isSecretName, 'is to be the name of a secret, such as RELAY_KEY, and never the credential itself')
    .optional()
    .describe('the secret that holds its credential, or several, separated by commas'),
  base_url: z
    .url({ protocol: /^https?$/, error: 'is to be an http or https URL' })
    .refine((url) => !hasUser(url), 'is to have no user name and no password: the credential belongs into the secret')
    .refine((url) => !url.includes('#'), 'is to have no fragment')
    .optional()
    .describe('its address, if that is not the usual one'),
  models: z
    .array(modelRule)
    .min(1)
    .optional()
    .describe('`"ours"`, `"ours=theirs"` or a pattern; without it, all models of the provider'),
  priority: z.number().int().default(0).describe('lower comes first'),
  weight: z
    .number()
    .positive()
    .max(MAX_WEIGHT)
    .default(1)
    .describe('its share of the requests of its priority, relative to the others'),
  max_concurrency: z.number().int().positive().optional().describe('requests at once, for each account'),
  requests_per_minute: z.number().int().positive().optional().describe('requests a minute, for each account'),
  timeout_seconds: z
    .number()
    .min(MIN_TIMEOUT_SECONDS)
    .max(MAX_TIMEOUT_SECONDS)
    .default(DEFAULT_TIMEOUT_SECONDS)
    .describe('time for one call'),
  prices: z
    .record(z.string(), pricesSetting)
    .default({})
    .describe('its own prices, by our names of models, in the form of `MODELS`'),
})
export type UpstreamSetting = z.infer<typeof upstreamSetting>

/** Secrets and bindings by their names; undefined for a missing one. */
interface Access {
  secret: (name: string) => string | undefined
  /** The gateway's own secrets, by their values. */
  own: ReadonlyMap<string, string>
  binding: (name: string) => unknown
}

/** The setting of the provider that is a fallback, with its own options. */
interface FallbackSetting {
  isOn: boolean
  models: readonly string[]
  options: unknown
}

/**
 * The accounts of the settings; without settings, one for each well-known provider with a secret or binding. A fallback
 * that is on comes last. Throws ConfigError.
 */
export function configuredUpstreams(
  settings: UpstreamSetting[] | undefined,
  fallback: FallbackSetting,
  access: Access,
): Upstream[] {
  const named = settings?.flatMap((setting) => accountsOf(setting, access))
  const upstreams = named ?? PROVIDERS.flatMap((provider) => wellKnown(provider, access))
  const fallbacks = fallback.isOn ? PROVIDERS.filter(({ isFallback }) => isFallback) : []
  const names = [...(settings ?? []), ...fallbacks.map(({ id: name }) => ({ name }))].map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice) throw faultOf('UPSTREAMS', `has two entries with the name ${twice}: give each a name of its own`)
  return [...upstreams, ...fallbacks.map((provider) => fallbackUpstream(provider, fallback))]
}

function accountsOf(setting: UpstreamSetting, access: Access): Upstream[] {
  const provider = providerOf(setting.provider)
  return addressesOf(setting, provider, access).map((address, account) => ({
    name: setting.name,
    provider,
    account,
    ...address,
    models: setting.models ?? rulesOf(modelsAt(setting.base_url, provider)),
    priority: setting.priority,
    weight: setting.weight,
    maxConcurrency: setting.max_concurrency,
    requestsPerMinute: setting.requests_per_minute,
    isFallback: false,
    timeoutMs: setting.timeout_seconds * 1000,
    prices: new Map(Object.entries(setting.prices)),
  }))
}

/** The address of an upstream with each of its credentials, or its binding. */
function addressesOf(
  { name, secret, base_url }: UpstreamSetting,
  { wellKnown, bound, baseUrlQuery = [] }: Provider,
  access: Access,
): Pick<Upstream, 'baseUrl' | 'credential' | 'binding'>[] {
  const setting = `UPSTREAMS, entry ${name},`
  const baseUrl = base_url ?? wellKnown?.baseUrl
  const binding = bound && boundBy(bound, access)
  if (binding && !baseUrl && secret === undefined) return [{ baseUrl: '', credential: '', binding }]
  const hint = bound ? ` such as ${bound.baseUrl}, or the binding ${bound.binding} without a secret` : ''
  if (!baseUrl) throw faultOf(setting, `needs a base_url${hint}`)
  const stray = [...new URL(baseUrl).searchParams.keys()].filter((name) => !baseUrlQuery.includes(name))
  if (stray.length > 0) throw faultOf(setting, 'is to have a base_url without a query')
  if (secret === undefined) throw faultOf(setting, 'needs a secret')
  return credentialsBy(secret, setting, access).map((credential) => ({
    baseUrl: baseUrl.replace(/\/+$/, ''),
    credential,
  }))
}

/** The credentials of a secret, separated by commas; each is an account of its own. */
function credentialsBy(secret: string, setting: string, { secret: valueOf, own }: Access): string[] {
  const credentials = (valueOf(secret) ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
  if (credentials.length === 0)
    throw faultOf(setting, `needs the secret ${secret}: set it with npx wrangler secret put ${secret}`)
  const opens = credentials.map((credential) => own.get(credential)).find((name) => name !== undefined)
  if (opens !== undefined) throw faultOf(secret, `is equal to ${opens}: set the upstream's own credential`)
  if (!credentials.every((credential) => SENDABLE.test(credential)))
    throw faultOf(secret, 'is to have printable ASCII characters alone, without blanks and line breaks')
  return credentials
}

/** A credential is sent in a header. */
const SENDABLE = /^[\x21-\x7e]+$/

const faultOf = (setting: string, fault: string): ConfigError => new ConfigError({ setting, fault })

/** The value of a provider's binding; undefined for none, or for another kind of value. */
const boundBy = ({ binding, schema }: NonNullable<Provider['bound']>, access: Access): unknown =>
  schema.safeParse(access.binding(binding)).data

/** The models at an address without a setting of them. */
const modelsAt = (baseUrl: string | undefined, { wellKnown, bound }: Provider): readonly string[] =>
  bound?.models ?? (baseUrl ? ['*'] : (wellKnown?.models ?? ['*']))

function wellKnown(provider: Provider, access: Access): Upstream[] {
  const { secret, priority } = provider.wellKnown ?? {}
  const isOn = secret ? access.secret(secret) : provider.bound && boundBy(provider.bound, access)
  if (!isOn) return []
  return accountsOf(upstreamSetting.parse({ name: provider.id, provider: provider.id, secret, priority }), access)
}

function fallbackUpstream(provider: Provider, { models, options }: FallbackSetting): Upstream {
  return {
    name: provider.id,
    provider,
    account: 0,
    credential: '',
    baseUrl: '',
    models: models.map((ours) => ({ ours })),
    priority: 0,
    weight: 1,
    isFallback: true,
    timeoutMs: DEFAULT_TIMEOUT_SECONDS * 1000,
    options,
    prices: new Map(),
  }
}

const rulesOf = (models: readonly string[]): Upstream['models'] => models.map((rule) => modelRule.parse(rule))

function providerOf(id: string): Provider {
  const provider = PROVIDERS.find((each) => each.id === id)
  if (!provider) throw faultOf('UPSTREAMS', 'names an unknown provider')
  return provider
}
