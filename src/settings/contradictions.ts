import type { SettingFault } from '../failures/config-error'
import { BURST_ALONE, isBurstAlone, type Limits } from '../limits/limits'
import { DAY_MS } from '../runtime/durations'
import type { ModelSetting } from '../upstreams/model-setting'
import type { UpstreamSetting } from '../upstreams/configured'
import { shownName } from './faults'
import type { AliasSetting } from './kinds'

/** The settings that can contradict each other. */
interface Settings {
  SIGNING_SECRET: string
  ADMIN_TOKEN: string
  GATEWAY_KEY?: string | undefined
  UPSTREAMS?: UpstreamSetting[] | undefined
  MODEL_ALIASES: Record<string, AliasSetting>
  MODELS: Record<string, ModelSetting>
  CACHE_TTL_SECONDS: number
  IMAGE_URL_TTL_SECONDS: number
  IMAGE_RETENTION_DAYS?: number | undefined
  DEFAULT_PLAN: string
}

/** The faults of settings that are right alone, and wrong together. `reserved` are the names of the gateway's own. */
export const contradictionsIn = (
  settings: Settings,
  plans: ReadonlyMap<string, Limits>,
  reserved: readonly string[],
): SettingFault[] => [
  ...equalSecrets(settings),
  ...reservedSecrets(settings, reserved),
  ...aliasesOfAliases(settings),
  ...successorsOfThemselves(settings),
  ...retention(settings),
  ...planFaults(settings, plans),
]

/** The values that a caller or a client of the admin API sends, and that must not open another door. */
export const OWN_SECRETS = ['SIGNING_SECRET', 'ADMIN_TOKEN', 'GATEWAY_KEY'] as const

const equalSecrets = (settings: Settings): SettingFault[] =>
  OWN_SECRETS.flatMap((setting, at) => {
    const earlier = OWN_SECRETS.slice(0, at).find((other) => settings[other] === settings[setting])
    return earlier ? [{ setting, fault: `is equal to ${earlier}: set another value` }] : []
  })

const reservedSecrets = ({ UPSTREAMS = [] }: Settings, reserved: readonly string[]): SettingFault[] =>
  UPSTREAMS.flatMap(({ secret = '' }, at) =>
    reserved.includes(secret)
      ? [{ setting: `UPSTREAMS.${at}.secret`, fault: `names ${secret}, a setting of the gateway: name another secret` }]
      : [],
  )

const aliasesOfAliases = ({ MODEL_ALIASES }: Settings): SettingFault[] =>
  Object.entries(MODEL_ALIASES).flatMap(([alias, { model }]) =>
    alias !== model && Object.hasOwn(MODEL_ALIASES, model)
      ? [{ setting: `MODEL_ALIASES.${shownName(alias)}`, fault: 'leads to another alias: name the model itself' }]
      : [],
  )

const successorsOfThemselves = ({ MODELS }: Settings): SettingFault[] =>
  Object.entries(MODELS).flatMap(([name, { shutdown }]) =>
    shutdown?.successor === name
      ? [{ setting: `MODELS.${shownName(name)}.shutdown.successor`, fault: 'is the model itself: name another one' }]
      : [],
  )

/** An answer and its links must not outlive the images. */
function retention(settings: Settings): SettingFault[] {
  const { IMAGE_RETENTION_DAYS: days } = settings
  if (days === undefined) return []
  const setting = 'IMAGE_RETENTION_DAYS'
  return (['CACHE_TTL_SECONDS', 'IMAGE_URL_TTL_SECONDS'] as const).flatMap((other) =>
    days * DAY_MS < settings[other] * 1000
      ? [{ setting, fault: `is shorter than ${other}: set more days, or fewer seconds` }]
      : [],
  )
}

function planFaults({ DEFAULT_PLAN }: Settings, plans: ReadonlyMap<string, Limits>): SettingFault[] {
  const names = [...plans.keys()].map(shownName).join(', ')
  return [
    ...(plans.has(DEFAULT_PLAN)
      ? []
      : [{ setting: 'DEFAULT_PLAN', fault: `is none of the plans: set one of ${names}` }]),
    ...[...plans].flatMap(([name, plan]) =>
      isBurstAlone(plan) ? [{ setting: `PLANS.${shownName(name)}`, fault: `is wrong: ${BURST_ALONE}` }] : [],
    ),
  ]
}
