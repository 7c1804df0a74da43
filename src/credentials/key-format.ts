import { Buffer } from 'node:buffer'
import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A team's id: part of its keys, of cache scopes and of URLs. */
export const TEAM_ID = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/

const KEY_FORM = /^sk-dr-([a-z0-9-]{1,32})-([0-9a-f]{48})-([0-9a-f]{16})$/

/** The stored form of a key, its SHA-256. Comparisons of equal lengths do not reveal the length of a key. */
export const keyHash = (key: string): Buffer => hash('sha256', key, 'buffer')

/** Makes a key of a team: its id, and its text `sk-dr-{team}-{secret}-{tag}`, shown once. */
export function mintKey(team: string, signingSecret: string): { id: string; text: string } {
  const secret = randomBytes(24).toString('hex')
  const text = `sk-dr-${team}-${secret}-${keyTag(team, secret, signingSecret)}`
  return { id: `key_${randomBytes(8).toString('hex')}`, text }
}

/** The team of a key; undefined if this gateway did not mint it. */
export function teamOfKey(key: string, signingSecret: string): string | undefined {
  const [, team, secret, tag] = KEY_FORM.exec(key) ?? []
  if (!team || !secret || !tag) return undefined
  const right = keyTag(team, secret, signingSecret)
  return timingSafeEqual(Buffer.from(tag), Buffer.from(right)) ? team : undefined
}

/** The id of this gateway in requests to upstreams: 16 hex digits that tell nothing of the secret. */
export const gatewayIdOf = (signingSecret: string): string =>
  createHmac('sha256', signingSecret).update('gateway').digest('hex').slice(0, 16)

/** 64 bits of HMAC: too many to guess over the network, at one request each. */
const keyTag = (team: string, secret: string, signingSecret: string): string =>
  createHmac('sha256', signingSecret).update(`team-key\n${team}\n${secret}`).digest('hex').slice(0, 16)
