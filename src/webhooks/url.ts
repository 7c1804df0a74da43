import { GatewayError } from '../failures/errors'
import { publicUrl, RefusedUrl } from '../runtime/public-url'

export interface WebhookUrlRules {
  /** Lifts the rules of scheme and host; for local development and tests. */
  allowPrivateUrls: boolean
}

const MAX_URL_CHARACTERS = 2048

/** Checks and normalises the receiver's URL that a caller gave in a parameter. Throws GatewayError `invalid_request`. */
export function webhookUrl(address: string, rules: WebhookUrlRules, param: string): string {
  const fault = urlFault(address, rules)
  if (fault === undefined) return new URL(address).href
  const message = `Invalid '${param}': ${fault}. Name an https URL on the public internet, of at most ${MAX_URL_CHARACTERS} characters.`
  throw new GatewayError({ code: 'invalid_request', message, param, reason: 'invalid_value' })
}

function urlFault(address: string, rules: WebhookUrlRules): string | undefined {
  try {
    return receiverUrl(address, rules).href.length > MAX_URL_CHARACTERS ? 'it is too long' : undefined
  } catch (error) {
    if (error instanceof RefusedUrl) return error.message
    throw error
  }
}

/** The URL of a receiver. Throws RefusedUrl. */
export const receiverUrl = (address: string, { allowPrivateUrls }: WebhookUrlRules): URL =>
  publicUrl(address, { schemes: ['https:'], allowPrivateUrls })
