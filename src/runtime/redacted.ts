import ipaddr from 'ipaddr.js'

/** The mark in place of a removed part. */
const HIDDEN = '***'

/**
 * Removes secrets and internals from a sentence: credentials, URLs, hosts, IP and mail addresses, file paths. Long
 * words that look like tokens go too.
 */
export const redacted = (text: string, credential = ''): string =>
  PATTERNS.reduce(
    (words, pattern) => words.replaceAll(pattern, HIDDEN),
    text
      .replaceAll(credential || /(?!)/g, HIDDEN)
      .replaceAll(LABELLED, `$1${HIDDEN}`)
      .replaceAll(IPV6, (word) => (isIpv6(word) ? HIDDEN : word)),
  ).replaceAll(WORD, (word) => (isRevealing(word) ? HIDDEN : word))

/** Whether a name may be shown: it has nothing that `redacted` removes. */
export const isShowable = (name: string): boolean => redacted(name) === name

/** Forms of credentials. Each is longer than a name that an operator would choose with the same beginning. */
const CREDENTIALS = [
  /^(?:sk|pk|rk|org|proj|key|gh[a-z]|hf|r8|xai|fal|bfl|glpat|xox[a-z])[-_](?=\S*\d)[\w-]{16,}$/,
  /^(?:AIza|ya29|eyJ)[\w.-]{8,}/,
  /^(?:AKIA|ASIA)[A-Z0-9]{12,}$/,
  /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i,
]

/** Whether a name is perhaps a credential itself. */
export const isLikeCredential = (name: string): boolean => CREDENTIALS.some((form) => form.test(name)) || isRandom(name)

/** A value after the name of a secret. */
const LABELLED =
  /\b((?:password|passwd|secret|token|api[-_ ]?key|authorization)["']?\s*[:=]\s*(?:bearer\s+)?|bearer\s+)(?!\*\*\*)[^\s,;]+/gi

const IPV6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,8}[0-9a-f.]{0,15}(?![\w:])/gi

/** Times and ratios have at most two colons, and a parser refuses some addresses with more. */
const isIpv6 = (word: string): boolean => ipaddr.isValid(word) || word.split(':').length > 4

const PATTERNS = [
  /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>`（）【】，。；、]+/gi,
  /\bdata:[\w/+.-]*[;,][^\s"'<>]*/gi,
  // Mail addresses, and users of hosts.
  /[^\s"'<>()[\],;:@（）：，。]+@(?:\[[^\]\s]*\]|[\w-]+(?:\.[\w-]+)*)/g,
  // Paths of files.
  /(?<![\w.*\])}])(?:\b[A-Za-z]:)?(?:[\\/][\w.@+-]+){2,}/g,
]

/** A run of characters of tokens and addresses. */
const WORD = /[A-Za-z0-9](?:[\w\-+/=.:~%*]*[\w=*])?/g

const isRevealing = (word: string): boolean =>
  isAddress(word) || TOKENS.some((form) => form.test(word)) || isRandom(word)

/** Beginnings and forms of tokens and of ids. */
const TOKENS = [
  /^(?:sk|pk|rk|org|proj)[-_][\w*-]{4,}/i,
  /^req_\w+/i,
  /^(?:key|acct|user|file|sess|gh[a-z]|hf|r8|xai|tok|fal|bfl|glpat|xox[a-z]|resp|asst|run|task)[-_](?=\S*\d)[\w*-]{6,}/i,
  /^(?:AIza|AKIA|ASIA|ya29|eyJ)[\w.-]{8,}/,
  /(?<![0-9a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])/i,
  // A number of this length is that of a telephone or an account.
  /(?<!\d)\d{11,}(?!\d)/,
]

const HOST_ENDINGS =
  'com|net|org|io|ai|cn|dev|app|co|xyz|top|cc|info|biz|cloud|tech|site|online|shop|vip|gg|tv|hk|tw|jp|kr|sg|us|uk|de|fr|eu|ru|local|localdomain|internal|intranet|lan|svc|onion'
const HOST = new RegExp(`^(?:[\\w-]+\\.)+(?:${HOST_ENDINGS})(?::\\d+)?(?:/.*)?$`, 'i')

/** Whether a word is an IPv4 address or a host, perhaps with a port or a path. */
function isAddress(word: string): boolean {
  const [host = ''] = word.split(/[:/]/)
  return (/^\d+(?:\.\d+){3}$/.test(host) && ipaddr.isValid(host)) || /^localhost$/i.test(host) || HOST.test(word)
}

/** The lengths above which a word, or a part of one, counts as random if it is not plain. */
const LONG_WORD = 24
const LONG_PART = 12
/** A longer part is no word of a language. */
const LONGEST_PLAIN = 20

/** A part of a plain word: letters of one case, a short number, or both, as in `v2` or `1k`. */
const PLAIN_PART = /^(?:[A-Z]?[a-z]*|[A-Z]+|\d{1,8}|[A-Za-z]{1,10}\d{1,3}|\d{1,5}[A-Za-z]{1,5}(?:\d{1,5})?)$/

/** Names of code, such as `InvalidArgumentError`, and words of a language. */
const CAMEL = /^[A-Za-z]?[a-z]+(?:[A-Z][a-z]{2,}){0,5}$/

/** Whether a word looks like a token: long, and not made of words, sizes and versions. */
function isRandom(word: string): boolean {
  const parts = word.split(/[-_./:=+%~*]+/).filter(Boolean)
  const isPlain = (part: string): boolean =>
    (PLAIN_PART.test(part) && part.length <= LONGEST_PLAIN) || (CAMEL.test(part) && part.length <= 2 * LONGEST_PLAIN)
  const oddParts = parts.filter((part) => !isPlain(part))
  return oddParts.some((part) => part.length >= LONG_PART) || (word.length >= LONG_WORD && oddParts.length > 0)
}
