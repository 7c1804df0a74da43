import type { Buffer } from 'node:buffer'
import * as z from 'zod'
import { DAY_MS } from './runtime/durations'
import type { Catalogue } from './catalog/model'
import { CATALOGUED } from './upstreams/built-in'
import { catalogueOf } from './upstreams/catalogue'
import { modelSetting } from './upstreams/model-setting'
import type { Upstream } from './providers/provider'
import { keyHash } from './credentials/key-format'
import { BURST_ALONE, isBurstAlone, type Limits, limitsSchema, PLANS } from './limits/limits'
import { configuredUpstreams, upstreamSetting } from './upstreams/configured'

/** The settings in the shape of the code. */
export interface Config {
  signingSecret: string
  adminToken: string
  /** The SHA-256 of the static key of team `default`. */
  gatewayKeyHash: Buffer | undefined
  upstreams: Upstream[]
  /** Additional names of models, and the model of each. */
  aliases: ReadonlyMap<string, string>
  /** The models of the catalogue and the settings; some are retired, and some have no upstream. */
  knownModels: readonly string[]
  catalogue: Catalogue
  cacheTtlSeconds: number
  cacheScope: 'team' | 'shared'
  imageUrlTtlSeconds: number
  /** The retention of images; undefined keeps them until they are deleted. */
  imageRetentionMs: number | undefined
  /** The limits of each plan, by its name. */
  plans: ReadonlyMap<string, Limits>
  /** The plan of teams without one of their own. */
  defaultPlan: string
  /** Costs are shown in the operator's unit too, at this rate. */
  creditsPerUsd: number | undefined
  maxBodyBytes: number
  /** A longer wait for an answer begins the response with white space; undefined turns this off. */
  heartbeatAfterMs: number | undefined
  /** The longest wait of a request in the queue of its team. */
  queueWaitMs: number
  allowPrivateUrls: boolean
  /** Whether the platform crops images. */
  canCrop: boolean
}

const flag = z.union([z.boolean(), z.stringbool()]).default(false)
const wholeNumber = (least: number): z.ZodType<number> => z.coerce.number().int().min(least)
/** A wait in seconds; no client waits longer than an hour. */
const waitSeconds = z.coerce.number().min(0).max(3600)
const atLeast = (characters: number): z.ZodString =>
  z.string().min(characters, `needs at least ${characters} characters`)

/** A list or table of the settings file, or a JSON string, since secrets and command lines hold only strings. */
const fromJson = (value: unknown, context: z.RefinementCtx): unknown => {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    context.addIssue({ code: 'custom', message: 'is not valid JSON' })
    return z.NEVER
  }
}

/** Origins as a browser sends them (RFC 6454 §7), separated by commas; `*` for all. */
const origins = z
  .string()
  .default('')
  .transform((list) => list.split(',').flatMap((each) => each.trim() || []))
  .refine((list) => list.every((each) => each === '*' || (URL.canParse(each) && new URL(each).origin === each)), {
    message: "is to be '*', or origins such as https://app.example.com, separated by commas",
  })

/** A secret of the Worker; docs/settings.md lists it apart from the variables. */
const secretOf = <Schema extends z.ZodType>(schema: Schema, description: string): Schema =>
  schema.meta({ description, secret: true })

/**
 * The settings, with the descriptions that docs/settings.md shows.
 *
 * @internal
 */
export const settingsSchema = z.object({
  SIGNING_SECRET: secretOf(atLeast(32), 'signs image links, keys and webhook secrets; its change ends all of them'),
  ADMIN_TOKEN: secretOf(atLeast(16), 'opens the admin API'),
  GATEWAY_KEY: secretOf(atLeast(16).optional(), 'a static key of the team `default`, for a gateway without teams'),
  UPSTREAMS: z
    .preprocess(fromJson, z.array(upstreamSetting).optional())
    .describe('the upstreams; without it, every provider with its secret set ([upstreams](upstreams.md))'),
  MODEL_ALIASES: z
    .preprocess(fromJson, z.record(z.string(), z.string()).default({}))
    .describe('names for clients, such as `{"house-style": "gpt-image-2"}`'),
  MODELS: z
    .preprocess(fromJson, z.record(z.string(), modelSetting).default({}))
    .describe('models of your own, and changes to known ones ([upstreams](upstreams.md#6-models))'),
  DEMO_UPSTREAM: flag.describe('draws placeholders for known models that no upstream serves'),
  DEMO_DELAY_MS: wholeNumber(0).default(0).describe('time that the demo takes for a picture, in ms'),
  // KV keeps nothing for less than a minute.
  CACHE_TTL_SECONDS: wholeNumber(60).default(86_400).describe('time for which an answer is given again'),
  CACHE_SCOPE: z.enum(['team', 'shared']).default('team').describe('a cache for each team, or one for all of them'),
  IMAGE_URL_TTL_SECONDS: wholeNumber(1).default(86_400).describe('least time for which an image link works'),
  IMAGE_RETENTION_DAYS: wholeNumber(1)
    .optional()
    .describe('days until images are removed; without it they stay until they are deleted'),
  PLANS: z
    .preprocess(fromJson, z.record(z.string(), limitsSchema).default({}))
    .describe('plans of your own, by name ([teams and money](teams-and-money.md#3-limits))'),
  DEFAULT_PLAN: z.string().default('unlimited').describe('the plan of teams without one'),
  CREDITS_PER_USD: z.coerce
    .number()
    .positive()
    .optional()
    .describe('shows costs in a unit of your own as well; 71000 is ¥7.1 × 10000'),
  MAX_BODY_BYTES: wholeNumber(1)
    .default(100 * 1024 * 1024)
    .describe('larger requests are a 413, and so is a picture of more than 50 MiB'),
  HEARTBEAT_AFTER_SECONDS: waitSeconds
    .default(60)
    .describe('a whole answer that takes longer begins with white space; 0 is never'),
  QUEUE_WAIT_SECONDS: waitSeconds.default(30).describe('time for which a request may wait in the queue of its team'),
  ALLOW_PRIVATE_URLS: flag.describe('lets image and webhook URLs lead to private hosts; for local development'),
  CORS_ORIGINS: origins.describe('origins with pages that may use all but the admin API, separated by commas, or `*`'),
})

/** A missing or wrong setting; the message names it, never its value. */
export class ConfigError extends Error {}

const configs = new WeakMap<object, Config>()

/** The settings of an environment, read once. Throws ConfigError, which names the missing or wrong setting. */
export function configOf(env: object): Config {
  const known = configs.get(env)
  if (known) return known
  const config = parseSettings(env)
  configs.set(env, config)
  return config
}

/** The origins of pages that may read answers. A wrong setting gives none here, and `configOf` throws. */
export const pageOriginsOf = (env: object): string[] => pageSettings.safeParse(env).data?.CORS_ORIGINS ?? []

const pageSettings = settingsSchema.pick({ CORS_ORIGINS: true })

function parseSettings(env: object): Config {
  const { data, error } = settingsSchema.safeParse(env, { reportInput: true })
  if (error) throw new ConfigError(faultsOf(error))
  const secrets = z.record(z.string(), z.unknown()).parse({ ...env })
  const secret = (name: string): string | undefined => z.string().optional().catch(undefined).parse(secrets[name])
  const access = { secret, binding: (name: string): unknown => secrets[name] }
  const knownModels = [...CATALOGUED, ...Object.keys(data.MODELS)]
  const fallback = { isOn: data.DEMO_UPSTREAM, models: knownModels, options: { delayMs: data.DEMO_DELAY_MS } }
  if (data.IMAGE_RETENTION_DAYS !== undefined && data.IMAGE_RETENTION_DAYS * DAY_MS < data.CACHE_TTL_SECONDS * 1000)
    throw new ConfigError('The setting IMAGE_RETENTION_DAYS is wrong: answers are kept for longer (CACHE_TTL_SECONDS).')
  return {
    signingSecret: data.SIGNING_SECRET,
    adminToken: data.ADMIN_TOKEN,
    gatewayKeyHash: data.GATEWAY_KEY === undefined ? undefined : keyHash(data.GATEWAY_KEY),
    upstreams: upstreamsOf(() => configuredUpstreams(data.UPSTREAMS, fallback, access)),
    aliases: new Map(Object.entries(data.MODEL_ALIASES)),
    knownModels,
    catalogue: catalogueOf(data.MODELS),
    cacheTtlSeconds: data.CACHE_TTL_SECONDS,
    cacheScope: data.CACHE_SCOPE,
    imageUrlTtlSeconds: data.IMAGE_URL_TTL_SECONDS,
    imageRetentionMs: data.IMAGE_RETENTION_DAYS && data.IMAGE_RETENTION_DAYS * DAY_MS,
    ...plansOf(data.PLANS, data.DEFAULT_PLAN),
    creditsPerUsd: data.CREDITS_PER_USD,
    maxBodyBytes: data.MAX_BODY_BYTES,
    heartbeatAfterMs: data.HEARTBEAT_AFTER_SECONDS > 0 ? data.HEARTBEAT_AFTER_SECONDS * 1000 : undefined,
    queueWaitMs: data.QUEUE_WAIT_SECONDS * 1000,
    allowPrivateUrls: data.ALLOW_PRIVATE_URLS,
    canCrop: 'TRANSFORMS' in env && env.TRANSFORMS !== undefined,
  }
}

function plansOf(set: Record<string, Limits>, defaultPlan: string): Pick<Config, 'plans' | 'defaultPlan'> {
  const plans = new Map(Object.entries({ ...PLANS, ...set }))
  if (!plans.has(defaultPlan))
    throw new ConfigError(`The setting DEFAULT_PLAN is wrong: PLANS has no '${defaultPlan}'.`)
  const [wrong] = [...plans].find(([, plan]) => isBurstAlone(plan)) ?? []
  if (wrong) throw new ConfigError(`The setting PLANS.${wrong} is wrong: ${BURST_ALONE}`)
  return { plans, defaultPlan }
}

function upstreamsOf(configure: () => Upstream[]): Upstream[] {
  try {
    return configure()
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error))
  }
}

/** Names the settings at fault, and never their values, which may be secrets. */
function faultsOf({ issues }: z.ZodError): string {
  const missing = issues
    .filter(({ input, path }) => input === undefined && path.length === 1)
    .map(({ path }) => String(path[0]))
  if (missing.length > 0) {
    const commands = missing.map((name) => `npx wrangler secret put ${name}`)
    return `These secrets are not set: ${missing.join(', ')}. Set them with: ${commands.join('; ')}`
  }
  return issues.map(({ path, message }) => `The setting ${path.join('.')} is wrong: ${message}.`).join(' ')
}
