import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'

/*
 * Signatures of Standard Webhooks 1.0.0 (protocols §8.1): receivers check them with its libraries.
 */

const SECRET_PREFIX = 'whsec_'

/** Derives one version of a team's webhook secret from the gateway's signing secret; nothing is stored. */
function webhookSecret(team: string, version: number, gatewaySecret: string): string {
  const bytes = createHmac('sha256', gatewaySecret).update(`webhook-secret\n${team}\n${version}`).digest('base64')
  return SECRET_PREFIX + bytes
}

/** The secrets of all versions that sign a team's events now. */
export const webhookSecrets = (team: string, versions: readonly number[], gatewaySecret: string): string[] =>
  versions.map((version) => webhookSecret(team, version, gatewaySecret))

/** The `webhook-signature` header: one signature for each secret, so that a receiver needs only one of them. */
export function webhookSignature(
  id: string,
  timestampSeconds: number,
  body: string,
  secrets: readonly string[],
): string {
  const signed = `${id}.${timestampSeconds}.${body}`
  return secrets
    .map((secret) => Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64'))
    .map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    .join(' ')
}
