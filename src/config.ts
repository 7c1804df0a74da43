import type { Buffer } from 'node:buffer'
import * as z from 'zod'
import { DAY_MS } from './runtime/durations'
import { oncePer } from './runtime/once-per'
import { modelSetting } from './upstreams/model-setting'
import { gatewayIdOf, keyHash } from './credentials/key-format'
import { ConfigError, type SettingFault } from './failures/config-error'
import { type Limits, limitsSchema, PLANS } from './limits/limits'
import { contradictionsIn, OWN_SECRETS } from './settings/contradictions'
import { faultsOf } from './settings/faults'
import { type ServedModels, servedModels } from './settings/served-models'
import {
  aliasSetting,
  atLeast,
  flag,
  fromJson,
  LONGEST_DAYS,
  LONGEST_SECONDS,
  origins,
  sentSecret,
  settingName,
  waitOrNever,
  waitSeconds,
  wholeNumber,
} from './settings/kinds'
import { upstreamSetting } from './upstreams/configured'

/** The settings in the shape of the code. */
export interface Config extends ServedModels {
  signingSecret: string
  adminToken: string
  /** The id of this gateway in requests to upstreams. */
  gatewayId: string
  /** The SHA-256 of the static key of team `default`. */
  gatewayKeyHash: Buffer | undefined
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
  /** The lists and reports of a key in a minute. */
  listsPerMinute: number
  /** The requests of a key with a webhook URL in a minute. */
  webhooksPerMinute: number
  /** The longest wait of a request in the queue of its team. */
  queueWaitMs: number
  /** The finished requests of clients that hung up: only begun ones, or the queued ones too. */
  finishAbandoned: 'begun' | 'all'
  allowPrivateUrls: boolean
  /** Whether the platform crops images. */
  canCrop: boolean
}

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
  ADMIN_TOKEN: secretOf(sentSecret(16), 'opens the admin API'),
  GATEWAY_KEY: secretOf(sentSecret(16).optional(), 'a static key of the team `default`, for a gateway without teams'),
  UPSTREAMS: z
    .preprocess(fromJson, z.array(upstreamSetting).optional())
    .describe('the upstreams; without it, every provider with its secret set ([upstreams](upstreams.md))'),
  MODEL_ALIASES: z
    .preprocess(fromJson, z.record(settingName, aliasSetting).default({}))
    .describe(
      'names for clients, such as `{"house-style": "gpt-image-2"}`; with `{"model": …, "fresh": true}` each request is made by itself',
    ),
  DEFAULT_MODEL: settingName
    .optional()
    .describe('the model of an image request that names none; without it such a request is a 400'),
  TITLE_MODEL: settingName
    .optional()
    .describe('the text model of chats that ask an image model for a title; without it they get a word'),
  MODELS: z
    .preprocess(fromJson, z.record(settingName, modelSetting).default({}))
    .describe('models of your own, and changes to known ones ([upstreams](upstreams.md#6-models))'),
  DEMO_UPSTREAM: flag.describe('draws placeholders for known models that no upstream serves'),
  DEMO_DELAY_MS: wholeNumber(0, 240_000).default(0).describe('time that the demo takes for a picture, in ms'),
  // KV keeps nothing for less than a minute.
  CACHE_TTL_SECONDS: wholeNumber(60, LONGEST_SECONDS)
    .default(86_400)
    .describe('time for which an answer is given again'),
  CACHE_SCOPE: z.enum(['team', 'shared']).default('team').describe('a cache for each team, or one for all of them'),
  IMAGE_URL_TTL_SECONDS: wholeNumber(1, LONGEST_SECONDS)
    .default(86_400)
    .describe('least time for which an image link works'),
  IMAGE_RETENTION_DAYS: wholeNumber(1, LONGEST_DAYS)
    .optional()
    .describe('days until images are removed; stored answers end 2 hours before; without it they stay'),
  PLANS: z
    .preprocess(fromJson, z.record(settingName, limitsSchema).default({}))
    .describe('plans of your own, by name ([teams and money](teams-and-money.md#3-limits))'),
  DEFAULT_PLAN: z.string().default('unlimited').describe('the plan of teams without one'),
  CREDITS_PER_USD: z.coerce
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe('shows costs in a unit of your own as well; 71000 is ¥7.1 × 10000'),
  MAX_BODY_BYTES: wholeNumber(1024, 5 * 1024 ** 3)
    .default(100 * 1024 * 1024)
    .describe('larger requests are a 413, pictures behind URLs included; so is a picture over 50 MiB'),
  HEARTBEAT_AFTER_SECONDS: waitOrNever
    .default(60)
    .describe('a whole answer that takes longer begins with white space; 0 is never'),
  QUEUE_WAIT_SECONDS: waitSeconds.default(30).describe('time for which a request may wait in the queue of its team'),
  LISTS_PER_MINUTE: wholeNumber(1, 1_000_000)
    .default(300)
    .describe('usage, models and history: requests of a key in a minute'),
  WEBHOOKS_PER_MINUTE: wholeNumber(1, 1_000_000)
    .default(300)
    .describe('requests of a key in a minute that name a webhook URL'),
  FINISH_ABANDONED: z
    .enum(['begun', 'all'])
    .default('begun')
    .describe('requests that are finished after their clients hung up: those `begun`, or `all`, the queued ones too'),
  ALLOW_PRIVATE_URLS: flag.describe('lets image and webhook URLs lead to private hosts; for local development'),
  CORS_ORIGINS: origins.describe('origins with pages that may use all but the admin API, separated by commas, or `*`'),
})

/** The settings of an environment, read once. Throws ConfigError with every fault. */
export function configOf(env: object): Config {
  const settings = settingsOf(env)
  if (settings instanceof ConfigError) throw settings
  return settings
}

/** The faults of the settings; none if the gateway serves. */
export function settingFaultsOf(env: object): readonly SettingFault[] {
  try {
    configOf(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

const pageSettings = settingsSchema.pick({ CORS_ORIGINS: true })

/** The origins of pages that may read answers. A wrong setting gives none here, and `configOf` throws. */
export const pageOriginsOf = (env: object): string[] =>
  pageSettings.safeParse(onlySet(env, 'CORS_ORIGINS')).data?.CORS_ORIGINS ?? []

const adminSettings = settingsSchema.pick({ ADMIN_TOKEN: true })

/** The token of the admin API, even if other settings are wrong; undefined for a missing or wrong one. */
export const adminTokenOf = (env: object): string | undefined =>
  adminSettings.safeParse(onlySet(env, 'ADMIN_TOKEN')).data?.ADMIN_TOKEN

/** The settings and bindings with a value. A blank text is none: the deploy button sends blanks. */
const setIn = (env: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => typeof value !== 'string' || value.trim() !== ''))

const onlySet = (env: object, name: string): Record<string, unknown> =>
  setIn({ [name]: Reflect.get(env, name) as unknown })

const settingsOf = oncePer((env: object): Config | ConfigError => {
  try {
    return parseSettings(setIn(env))
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
})

function parseSettings(set: Record<string, unknown>): Config {
  const { data, error } = settingsSchema.safeParse(set, { reportInput: true })
  if (error) throw new ConfigError(...faultsOf(error))
  const plans = new Map(Object.entries({ ...PLANS, ...data.PLANS }))
  const contradictions = contradictionsIn(data, plans, Object.keys(settingsSchema.shape))
  if (contradictions.length > 0) throw new ConfigError(...contradictions)
  const secret = (name: string): string | undefined => z.string().optional().catch(undefined).parse(set[name])
  const own = new Map(OWN_SECRETS.flatMap((name) => (data[name] === undefined ? [] : [[data[name], name]])))
  const access = { secret, own, binding: (name: string): unknown => set[name] }
  return {
    signingSecret: data.SIGNING_SECRET,
    adminToken: data.ADMIN_TOKEN,
    gatewayId: gatewayIdOf(data.SIGNING_SECRET),
    gatewayKeyHash: data.GATEWAY_KEY === undefined ? undefined : keyHash(data.GATEWAY_KEY),
    ...servedModels(data, access),
    cacheTtlSeconds: data.CACHE_TTL_SECONDS,
    cacheScope: data.CACHE_SCOPE,
    imageUrlTtlSeconds: data.IMAGE_URL_TTL_SECONDS,
    imageRetentionMs: data.IMAGE_RETENTION_DAYS && data.IMAGE_RETENTION_DAYS * DAY_MS,
    plans,
    defaultPlan: data.DEFAULT_PLAN,
    creditsPerUsd: data.CREDITS_PER_USD,
    maxBodyBytes: data.MAX_BODY_BYTES,
    heartbeatAfterMs: data.HEARTBEAT_AFTER_SECONDS > 0 ? data.HEARTBEAT_AFTER_SECONDS * 1000 : undefined,
    queueWaitMs: data.QUEUE_WAIT_SECONDS * 1000,
    listsPerMinute: data.LISTS_PER_MINUTE,
    webhooksPerMinute: data.WEBHOOKS_PER_MINUTE,
    finishAbandoned: data.FINISH_ABANDONED,
    allowPrivateUrls: data.ALLOW_PRIVATE_URLS,
    canCrop: set['TRANSFORMS'] !== undefined,
  }
}
