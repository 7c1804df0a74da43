import type { ErrorScope, ProviderErrorKind } from '../provider'
import type { ErrorReport } from './error-report'
import { unquoted } from './unquoted'

/** The meaning of an error answer. */
export interface AnswerClass {
  kind: ProviderErrorKind
  /** The account by default. */
  scope?: ErrorScope
  moderated?: true
  /** Whether the answer forbids the request without a word on the credential or its money. */
  isUnexplained?: true
}

/** An error answer: its status, what its API's reader found, and the form of its body. */
export interface ErrorAnswer {
  status: number
  said: ErrorReport
  /** `json` is an object; `page` is HTML, mostly of a proxy in front of the API. */
  form: 'json' | 'text' | 'page' | 'none'
  /** The text of a body outside the API's form, for the patterns only. */
  text?: string | undefined
}

/** A pattern for answers. All of its parts have to match. */
interface AnswerPattern {
  statuses?: readonly number[]
  form?: ErrorAnswer['form']
  /** Matches the code or the type of the error. */
  codes?: RegExp
  /** Matches the message. */
  words?: RegExp
  matches?: (answer: ErrorAnswer) => boolean
  means: AnswerClass
}

const OF_ACCOUNT: AnswerClass = { kind: 'misconfigured' }
const OF_MODEL: AnswerClass = { kind: 'misconfigured', scope: 'model' }
const OF_REQUEST: AnswerClass = { kind: 'rejected' }
const OF_CONTENT: AnswerClass = { kind: 'rejected', moderated: true }
const OF_PLACE: AnswerClass = { kind: 'unavailable', scope: 'place' }
const PASSING: AnswerClass = { kind: 'unavailable' }
const UNEXPLAINED: AnswerClass = { kind: 'unavailable', isUnexplained: true }
const THROTTLED: AnswerClass = { kind: 'throttled' }

/** Codes about the credential, its money or its standing, at any status (protocols §1.7, §2.1, §3.5). */
const ACCOUNT_CODES =
  /^(?:insufficient_(?:user_|token_)?(?:quota|balance|credits?)|pre_consume_token_quota_failed|credit_balance_exhausted|(?:organization|project)_spend_limit_exceeded|organization_usage_limit_exceeded|billing_hard_limit_reached|billing_not_active|(?:invalid|incorrect)_api_key|account_(?:deactivated|suspended|disabled)|deactivated_workspace|access_terminated|API_KEY_\w+|BILLING_DISABLED|CONSUMER_(?:SUSPENDED|INVALID)|SERVICE_DISABLED|UNAUTHENTICATED|PERMISSION_DENIED|FAILED_PRECONDITION)$/

/**
 * Words of relays about their account's money, at any status. They stand at the start: an echo of a prompt comes later in
 * a sentence.
 */
const MONEY_WORDS =
  /^\W*(?:\[[^\]]*\]\W*)?(?:error:\s*)?(?:(?:该)?(?:用户|令牌|账户|账号|帐户)?(?:剩余)?(?:额度|余额)(?:已)?(?:不足|用尽|耗尽)|预扣费.{0,20}(?:额度|失败)|(?:pre-?consumed? )?(?:token|user) quota is not enough|user'?s? quota is (?:not enough|exhausted)|insufficient (?:user |account |token )?(?:quota|balance|credits?|funds)|your (?:account|credit) balance is (?:too low|insufficient)|billing hard limit|user is locked|your account is (?:not active|deactivated|suspended|disabled))/i

const PLACE_CODES = /^unsupported_country_region_territory$/
const PLACE_WORDS =
  /country, region, or territory not supported|unsupported_country_region_territory|user location is not supported|not available in your (?:country|region|location)|your (?:country|region) is not supported/i

const MODERATION_CODES =
  /^(?:moderation_blocked|content_policy_violation|image_content_policy_violation|content_filter|contentFilter|ResponsibleAIPolicyViolation|sensitive_words_detected)$/
const MODERATION_WORDS =
  /safety system|safety_violations|content (?:management )?policy|content_policy|was flagged|flagged as sensitive|sensitive_words|may violate our polic|\[?(?:IMAGE_SAFETY|PROHIBITED_CONTENT)\]?|\bNSFW\b/i

/** Azure blocks a resource for a time after refused content of any of its users. */
const BLOCKED_RESOURCE = /resource has been temporarily blocked/i

const MODEL_CODES = /^(?:model_not_found|model_not_available|model_not_supported|unsupported_model|DeploymentNotFound)$/
const MODEL_WORDS =
  /no available channel|无可用渠道|not supported model for image generation|does not support image generation|insufficient permissions|must be verified to use the model|not allowed to sample from this model|not have access to model|无权(?:访问|使用)模型/i
/** A free plan of Google has models with a limit of nothing. */
const NO_ALLOWANCE = /\blimit: 0, model: /i

const THROTTLE_CODES = /^(?:rate_limit_exceeded|rate_limit_error|slow_down|RESOURCE_EXHAUSTED|RATE_LIMIT_EXCEEDED)$/

/** A relay could not turn the request into the form of its own upstream. */
const CONVERSION_CODES = /^convert_request_failed$/

/** Words of a firewall, or of the challenge of a proxy, in a JSON answer. */
const CHALLENGE_WORDS = /cloudflare|just a moment|challenge|captcha|cf-ray|<html/i
const FIREWALL_WORDS = /firewall|\bwaf\b|\bblocked\b|error code: 1\d{3}/i

/** Words about the owner and the rights of a key, with status 403. */
const KEY_WORDS =
  /\b(?:permissions?|scopes?|roles?|organi[sz]ations?|projects?|billing|balance|credits?|quota|suspended|deactivated|unauthori[sz]ed|authenticat\w*|credentials?|(?:api|access|auth)[ _-]?(?:key|token)s?|subscription)\b|令牌|密钥|余额|额度|封禁|账[户号]/i

/** Codes about the rights of a key, with status 403. */
const KEY_CODES = /unauthori[sz]ed|permission|authenticat|forbidden_key|billing|quota|balance/i

/** OpenAI's words for an unknown id in a request. */
const NO_SUCH_OBJECT = /\bwith id\b.*\bnot found\b|^No such \w+ object/i

/** Statuses about the form, the length or the content of a request (RFC 9110 §15.5, RFC 6585 §5, RFC 7725). */
const REQUEST_STATUSES = [400, 406, 411, 413, 414, 415, 422, 431, 451]
/** Statuses of a path that does not exist. The path may be that of one model. */
const NOT_FOUND_STATUSES = [404, 405, 410]

/** The answer of a gateway in a loop (RFC 5842 §7.2). Some wire formats have the words alone. */
const LOOP_STATUS = 508
const LOOP_WORDS = /comes from this gateway itself/i

/** The meaning of every answer: the first pattern that matches decides. */
const PATTERNS: readonly AnswerPattern[] = [
  { statuses: [LOOP_STATUS], means: OF_MODEL },
  { words: LOOP_WORDS, means: OF_MODEL },
  { words: PLACE_WORDS, means: OF_PLACE },
  { codes: PLACE_CODES, means: OF_PLACE },
  { words: NO_ALLOWANCE, means: OF_MODEL },
  { codes: MODEL_CODES, means: OF_MODEL },
  { codes: ACCOUNT_CODES, means: OF_ACCOUNT },
  { words: MONEY_WORDS, means: OF_ACCOUNT },
  { words: BLOCKED_RESOURCE, means: UNEXPLAINED },
  { codes: MODERATION_CODES, means: OF_CONTENT },
  { words: MODERATION_WORDS, means: OF_CONTENT },
  { matches: exceedsWholeLimit, means: OF_REQUEST },
  { words: MODEL_WORDS, means: OF_MODEL },
  { codes: CONVERSION_CODES, means: { kind: 'unavailable', scope: 'request' } },
  { codes: THROTTLE_CODES, means: THROTTLED },
  { statuses: [401, 403], form: 'page', means: UNEXPLAINED },
  { statuses: [401, 402], means: OF_ACCOUNT },
  { statuses: [403], form: 'json', words: CHALLENGE_WORDS, means: PASSING },
  { statuses: [403], words: FIREWALL_WORDS, means: UNEXPLAINED },
  { statuses: [403], form: 'json', words: KEY_WORDS, means: OF_ACCOUNT },
  { statuses: [403], codes: KEY_CODES, means: OF_ACCOUNT },
  { statuses: [403], codes: /^invalid_request_error$/, matches: ({ said }) => !said.code, means: OF_REQUEST },
  { statuses: [403], means: UNEXPLAINED },
  { statuses: [404], words: NO_SUCH_OBJECT, means: OF_REQUEST },
  { statuses: [404], matches: ({ said: { param } }) => Boolean(param && param !== 'model'), means: OF_REQUEST },
  { statuses: NOT_FOUND_STATUSES, means: OF_MODEL },
  { statuses: REQUEST_STATUSES, means: OF_REQUEST },
  { statuses: [429], means: THROTTLED },
]

/** A limit and a single request beyond it: no wait makes it pass. Example: "Limit 5, Used 0, Requested 16". */
const LIMIT_AND_REQUEST = /\blimit:? (\d+)(?:, used:? \d+)?, requested:? (\d+)/i

function exceedsWholeLimit({ said: { message = '' } }: ErrorAnswer): boolean {
  const [, limit = Infinity, requested = 0] = LIMIT_AND_REQUEST.exec(message) ?? []
  return Number(requested) > Number(limit)
}

/** The class of an answer. The provider's own codes go first; any other status, such as a redirect, may pass. */
export function classOfAnswer(answer: ErrorAnswer): AnswerClass {
  const { said } = answer
  if (said.moderated) return OF_CONTENT
  if (said.kind) return { kind: said.kind, ...(said.scope ? { scope: said.scope } : {}) }
  const read = { ...answer, status: said.status ?? answer.status }
  const found = PATTERNS.find((pattern) => isMatch(pattern, read))?.means ?? PASSING
  if (said.isBehind) return behind(found)
  return found.kind === 'throttled' && said.limits ? { ...found, scope: said.limits } : found
}

function isMatch({ statuses, form, codes, words, matches, means }: AnswerPattern, answer: ErrorAnswer): boolean {
  const { status, said } = answer
  if (statuses && !statuses.includes(status)) return false
  if (form && form !== answer.form) return false
  if (codes && !codes.test(said.code ?? '') && !codes.test(said.type ?? '')) return false
  const sentence = said.message ?? answer.text ?? ''
  if (words && !words.test(means.kind === 'misconfigured' ? unquoted(sentence) : sentence)) return false
  return matches?.(answer) ?? true
}

/** An error of an API behind the upstream reaches no further than the model that is served there. */
function behind(found: AnswerClass): AnswerClass {
  if (found.isUnexplained) return OF_MODEL
  const isOwn = found.kind === 'rejected' || (found.kind === 'unavailable' && found.scope !== 'place')
  return isOwn ? found : { ...found, scope: 'model' }
}

/** Words of limits that name a model or a group of models: OpenAI's, then Google's. */
const LIMITED_GROUPS = [
  /\(for limit ([\w.-]+)\)/i,
  /\brate limit reached for (?:model )?[`'"]?([\w.-]+)/i,
  /\blimit: \d+, model: ([\w.-]+)/i,
]

/** The model, or the group of models, that a limit names; undefined for a limit of the whole account. */
export const limitedGroup = (message = ''): string | undefined =>
  LIMITED_GROUPS.flatMap((pattern) => pattern.exec(message)?.[1] ?? [])[0]
