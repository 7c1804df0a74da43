import { TooLong } from '../../streams/json-faults'
import { latin1 } from '../../streams/latin1'
import { ProviderError, type Spent } from '../provider'
import { idsOf } from './response-ids'

/** An upstream with the whole request for this long, in ms, may make and bill the picture. */
export const TAKEN_MS = 5000

/** The moments of the last byte sent, in ms since 1970, by the answers to requests that buy. */
const sentTimes = new WeakMap<Response, number>()

/** Notes the answer to a request that buys. An undefined `sentMs` stands for an unfinished request. */
export const noteBuying = (response: Response, sentMs = Infinity): void => void sentTimes.set(response, sentMs)

/** The content of a good answer that cannot be used, as far as it was read. */
interface UnusableContent {
  /** The body, parsed or as text. */
  said?: unknown
  /** The usage that a provider's reader found in it. */
  summary?: Spent
  /** Whether it holds no picture. Without that, it may hold one in an unknown form. */
  isEmpty?: boolean
  cause?: unknown
}

/**
 * The error of an answer with a good status, without its pictures and without an error that the gateway recognises.
 * It may be billed if it came late, says that something was used, or has content in an unknown form. An answer to a
 * request that buys nothing is only unavailable.
 */
export function unusableAnswer(response: Response, message: string, content: UnusableContent = {}): ProviderError {
  const { summary = {}, cause } = content
  const sentMs = sentTimes.get(response)
  if (sentMs === undefined) return new ProviderError('unavailable', message, idsOf(response), { cause })
  const said = parsedText(content.said)
  const isPage = isWebPage(response, said)
  const isTold = usesSomething(summary) || saysUse(said)
  const isEmpty = content.isEmpty ?? !holdsText(said)
  const isLost = Date.now() - sentMs >= TAKEN_MS || isTold || !(isPage || isEmpty)
  const facts = { ...idsOf(response), isUnusable: true, ...(isLost ? { spent: summary } : {}) } as const
  // A page from a proxy says that the account cannot be reached. Any other answer may be due to its request.
  const scope = isPage && !isLost ? undefined : ('request' as const)
  return new ProviderError(isLost ? 'lost' : 'unavailable', message, { ...facts, scope }, { cause })
}

/** The error for an answer in another format or without its end. A broken-off answer was paid for. */
export function unreadableError(
  error: unknown,
  response: Response,
  { isMade, head }: { isMade: boolean; head: Uint8Array },
): ProviderError {
  if (error instanceof ProviderError) return error
  if (!isMade && (error instanceof SyntaxError || error instanceof TooLong))
    return unusableAnswer(response, 'answered with something that is not JSON', { said: latin1(head), cause: error })
  return new ProviderError('lost', 'broke off its answer', {}, { cause: error })
}

function parsedText(said: unknown): unknown {
  if (typeof said !== 'string') return said
  try {
    return JSON.parse(said)
  } catch {
    return said
  }
}

/** A page of a proxy or a firewall, with a good status. */
const isWebPage = ({ headers }: Response, said: unknown): boolean =>
  /^text\/html\b/i.test(headers.get('content-type') ?? '') || (typeof said === 'string' && /^\s*</.test(said))

const usesSomething = ({ cost = 0, usage }: Spent): boolean =>
  cost > 0 || (usage !== undefined && Math.max(usage.input, usage.output, usage.total) > 0)

/** Names of fields with tokens or money that an answer used. */
const USE = /^(?:usage|usage_?metadata|(?:\w+_)?cost(?:_\w+)?|credits(?:_\w+)?)$/i
/** The depth at which such fields are searched. */
const USE_DEPTH = 4

/** Whether an answer says that tokens, images or money were used, in any vendor's form. */
function saysUse(said: unknown, depth = USE_DEPTH): boolean {
  if (typeof said !== 'object' || said === null || depth === 0) return false
  return Object.entries(said).some(([name, value]) => (USE.test(name) ? isPositive(value) : saysUse(value, depth - 1)))
}

function isPositive(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(isPositive)
  return (typeof value === 'number' || typeof value === 'string') && Number(value) > 0
}

/** Fields of an answer in OpenAI's form that stand beside its pictures. */
const BESIDE_PICTURES = ['model', 'object', 'size', 'quality', 'background', 'output_format', 'msg', 'message']

/** The ordinal of a string that a reader took out of the text and found empty. */
const ORDINAL = /^\d{1,3}$/

/** Whether a JSON value holds a text that may lead to a picture, such as an address or an id. */
function holdsText(said: unknown): boolean {
  if (typeof said === 'string') return said.trim() !== '' && !ORDINAL.test(said)
  if (typeof said !== 'object' || said === null) return false
  return Object.entries(said).some(([name, value]) => !BESIDE_PICTURES.includes(name) && holdsText(value))
}

/** Adds the charge that an answer without pictures reports. Refused pictures may have one, too. */
export function withSpent(error: ProviderError, spent: Spent): ProviderError {
  const { kind, message, facts, cause } = error
  const isCharged = facts.isUnusable ? usesSomething(spent) : kind === 'rejected' && (spent.cost ?? 0) > 0
  if (!isCharged) return error
  return new ProviderError(facts.isUnusable ? 'lost' : kind, message, { ...facts, scope: 'request', spent }, { cause })
}

/** Adds the use that an error in a good answer reports: it may be billed. A refusal stays one. */
export function withUse(error: ProviderError, said: unknown, usage: Spent['usage']): ProviderError {
  if (!saysUse(said)) return error
  const { kind, message, facts, cause } = error
  const charged = { ...facts, isUnusable: true, scope: 'request', spent: { usage } } as const
  return new ProviderError(kind === 'rejected' ? kind : 'lost', message, charged, { cause })
}
