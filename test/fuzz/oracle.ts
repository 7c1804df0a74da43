import { KEY } from '../support/gateway'
import { errorShapeAt } from './error-shapes'
import type { FuzzRequest } from './requests'

/** A fault of the gateway that a request has shown. */
export interface Finding {
  /** The number of the request, from 0. */
  at: number
  fault: string
  request: string
}

/** A part of every body of a fake upstream that no client may see. */
export const MARK = 'body-of-the-upstream-7f3a91'
/** The secrets of the settings, and those in sentences of fake upstreams. */
export const REVEALED = [
  'sk-leaked0123456789abc',
  'ops@relay.example',
  'https://admin.relay.example/keys',
  '203.0.113.99',
]

const SECRETS = [
  'sk-upstream-secret',
  'sk-first-secret',
  'key-of-the-fake',
  'admin-token-of-the-tests',
  'signing-secret-of-the-tests-32-characters',
  KEY,
  MARK,
  ...REVEALED,
]

const STACK = /(?:\n|\\n) +at .{1,300}:\d+:\d+/
const SIGNED_QUERY = /[?&](?:sig|key)=\w/
/** The events of unforeseen errors. */
const UNFORESEEN = /"event":"(?:run-failed|team-unreachable)"/

/** Statuses that the gateway answers with by intention. */
const FORESEEN = [501, 502, 503, 504, 508]

/** The faults of an answer. */
export function faultsOfAnswer(request: FuzzRequest, response: Response, body: string): string[] {
  const { status, headers } = response
  const told = `${JSON.stringify([...headers])}\n${body}`
  const mayRepeatKey = request.path.includes(KEY)
  return [
    ...(status >= 500 && !FORESEEN.includes(status) ? [`a ${status}: ${body.slice(0, 300)}`] : []),
    ...SECRETS.filter((secret) => told.includes(secret) && !(mayRepeatKey && secret === KEY)).map(
      (secret) => `an answer with ${secret}`,
    ),
    ...(STACK.test(body) ? ['an answer with a stack'] : []),
    ...(headers.has('set-cookie') || headers.has('server') ? ['a header of the upstream'] : []),
    ...(isFailure(status, body) ? shapeFaults(request, status, headers, body) : []),
    ...(isJson(headers) && body !== '' && typeof parsed(body) !== 'object' ? ['an answer that is no JSON'] : []),
  ]
}

/** GrsAI's first API answers every failure with 200. */
const isFailure = (status: number, body: string): boolean =>
  (status >= 400 && body !== '') || body.startsWith('{"code":-')

const isJson = (headers: Headers): boolean => (headers.get('content-type') ?? '').startsWith('application/json')

function shapeFaults({ path, headers }: FuzzRequest, status: number, answered: Headers, body: string): string[] {
  if (!answered.has('x-request-id')) return ['an error without x-request-id']
  const place = new URL(path, 'https://darkroom.example.net')
  // The key of a client of Google decides on routes that it shares with others.
  const isGoogles = place.searchParams.has('key') || headers.some(([name]) => name === 'x-goog-api-key')
  const shapes = [errorShapeAt(decoded(place.pathname)), ...(isGoogles ? [errorShapeAt('/v1beta/')] : [])]
  const said = parsed(body.replace(/^data: /, ''))
  if (shapes.some((shape) => shape.safeParse(said).success)) return []
  return [`a ${status} of a foreign shape: ${body.slice(0, 300)}`]
}

/** The router reads paths with their escapes undone. */
function decoded(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

/** The faults of a line of the log. */
export const faultsOfLog = (line: string): string[] => [
  ...SECRETS.filter((secret) => line.includes(secret)).map((secret) => `a log with ${secret}`),
  ...(SIGNED_QUERY.test(line) ? [`a log with a signed query: ${line.slice(0, 300)}`] : []),
  ...(UNFORESEEN.test(line) ? [`an unforeseen error: ${line.slice(0, 600)}`] : []),
]
