import * as fc from 'fast-check'
import { changedJson, jsonChanges } from './json-mutations'
import { OTHER_MODELS } from './moody-upstreams'
import { type Draft, VALID_REQUESTS } from './valid-requests'

/** A request for the gateway, and the way in which its body ends. */
export interface FuzzRequest {
  route: string
  method: string
  path: string
  headers: [name: string, value: string][]
  body: Uint8Array<ArrayBuffer> | undefined
  /** `broken` bodies end with an error, `stalled` ones never, until the client leaves. */
  end: 'whole' | 'broken' | 'stalled'
}

const rarely = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND']

const TYPES = [
  '',
  'text/plain',
  'application/json; charset=utf-16',
  'APPLICATION/JSON',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary="a\\"b"',
  'image/png',
  '*/*',
]

const HEADERS: [string, fc.Arbitrary<string>][] = [
  ['content-type', fc.constantFrom(...TYPES)],
  ['authorization', fc.constantFrom('', 'Bearer', 'Bearer sk-wrong', 'Basic YTpi', `Bearer ${'x'.repeat(9000)}`)],
  ['x-goog-api-key', fc.constantFrom('AIza-wrong', '')],
  ['accept', fc.constantFrom('text/event-stream', 'application/json', '*/*;q=x')],
  ['accept-encoding', fc.constantFrom('gzip', 'br, zstd')],
  ['content-encoding', fc.constantFrom('gzip', 'identity')],
  ['prefer', fc.constantFrom('respond-async', 'wait=0', 'wait=1', 'wait=-1', 'wait="1"', 'respond-async, wait=x')],
  ['cache-control', fc.constantFrom('no-cache', 'no-store', 'max-age=0', 'max-age=99999999999999999999', 'private="')],
  ['idempotency-key', fc.constantFrom('a', '"a"', '""', 'x'.repeat(300), 'b c')],
  ['x-webhook-url', fc.constantFrom('https://hooks.example.com/a', 'http://10.0.0.1/', 'ftp://x', 'x')],
  ['x-strict', fc.constantFrom('true', 'yes')],
  ['range', fc.constantFrom('bytes=0-', 'bytes=5-1', 'bytes=-0', 'bytes=0-0,2-3', 'rows=1')],
  ['if-none-match', fc.constantFrom('*', '"a"', 'W/"a"')],
  ['origin', fc.constantFrom('https://app.example.com', 'null')],
  ['access-control-request-method', fc.constantFrom('POST', 'x')],
  ['darkroom-hops', fc.constantFrom('0123456789abcdef', ','.repeat(500), '<b>')],
  ['x-forwarded-for', fc.constantFrom('1.2.3.4', "';--")],
]

const oddHeaders: fc.Arbitrary<[string, string][]> = fc.array(
  fc.oneof(...HEADERS.map(([name, value]) => value.map((given): [string, string] => [name, given]))),
  { maxLength: 3 },
)

type PathChange = (path: string) => string

const PATH_CHANGES: PathChange[] = [
  (path) => `${path}/`,
  (path) => path.replace('/', '//'),
  (path) => `${path}%2e%2e%2f`,
  (path) => path.replaceAll('a', '%61'),
  (path) => `${path}%ff%00`,
  (path) => path.replace('gpt-image-2', '../..'),
  (path) => path.replace('gpt-image-2', '模型💥'),
  (path) => path.replace(/0{64}/, 'f'.repeat(5000)),
  (path) => path.replace('/v1/', '/v9/'),
  (path) => path.toUpperCase(),
]

const QUERIES = [
  'key=AIza-wrong',
  'alt=sse',
  'alt=xml',
  'limit=-1',
  'limit=1e9',
  'cursor=%00',
  'cursor=eyJhIjoxfQ',
  'from=2026-02-30',
  'to=x',
  'id=',
  'id=gen_1&id=gen_2',
  'api-version=',
  'pageSize=NaN',
  'exp=x&sig=',
  'status=odd',
  'format=xml',
  '__proto__=1',
  '%ff=%ff',
  `q=${'x'.repeat(4000)}`,
]
const pathChange: fc.Arbitrary<PathChange> = fc.oneof(
  fc.constantFrom(...PATH_CHANGES),
  fc.constantFrom(...QUERIES).map((query) => (path: string) => `${path}${path.includes('?') ? '&' : '?'}${query}`),
)

type BodyChange = (text: string, at: number) => string

/** Changes of a body as a text, of JSON or of a form. */
const BODY_CHANGES: BodyChange[] = [
  (text, at) => text.slice(0, at % Math.max(1, text.length)),
  (text) => text.replace('{', '{"model":"gpt-image-2","model":"x",'),
  (text) => text.replace('{', '{"prompt":"A dog",'),
  (text) => `\ufeff${text}`,
  (text) => `${text}${text}`,
  (text) => `[${text}]`,
  (text) => text.replaceAll('"', "'"),
  (text) => text.replaceAll('\r\n', '\n'),
  (text) => text.replaceAll('form-data; ', 'form-data; name=; '),
  (text) => text.replaceAll('filename="', "filename*=UTF-8''%ff; x=\""),
  (text) => text.replaceAll('content-type: image/png', 'content-type: multipart/mixed; boundary=fuzz'),
  (text) => text.replaceAll('name="image[]"', 'name="image[99]"'),
  (text) => text.replaceAll('name="mask"', 'name="image"'),
  (text) => text.replaceAll('--fuzz', '--fuzzy'),
  (text) => text.replace('--fuzz--', '--fuzz'),
  (text) => text.replace('A cat', String.raw`\ud800\u0000\x`),
  (text) => text.replaceAll(':', ':'.padEnd(2000)),
  (text) => text.replaceAll(/./gs, '$&\0'),
  () => '',
  () => 'null',
  () => '['.repeat(3000),
]

const BOUNDARY = 'fuzz'

function formText(form: NonNullable<Draft['form']>): string {
  const parts = form.map(([name, value, file]) => {
    const head = `content-disposition: form-data; name="${name}"${file === undefined ? '' : `; filename="${file}"`}`
    return `--${BOUNDARY}\r\n${head}\r\n${file === undefined ? '' : 'content-type: image/png\r\n'}\r\n${value}\r\n`
  })
  return `${parts.join('')}--${BOUNDARY}--\r\n`
}

const formOf = ({ form }: Draft): { form?: string; type?: string; encode: (text: string) => Uint8Array<ArrayBuffer> } =>
  form
    ? { form: formText(form), type: `multipart/form-data; boundary=${BOUNDARY}`, encode: latin1 }
    : { encode: (text) => Uint8Array.from(new TextEncoder().encode(text)) }

/** The bytes of a text with one letter for each. */
const latin1 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

const asIs = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => bytes

/** Replaces a byte by one that no UTF-8 has. */
function spoiltAt(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> {
  if (bytes.length > 0) bytes[at % bytes.length] = 0xff
  return bytes
}

/** Any request: a valid one with up to a few mutations of each of its parts. */
export const fuzzRequest: fc.Arbitrary<FuzzRequest> = fc
  .record({
    draft: fc.constantFrom(...VALID_REQUESTS),
    number: fc.nat(5000),
    model: fc.oneof(
      { weight: 24, arbitrary: fc.constant('gpt-image-2') },
      { weight: 1, arbitrary: fc.constantFrom(...OTHER_MODELS) },
    ),
    changes: jsonChanges,
    bodyChange: rarely<BodyChange>((text) => text, fc.constantFrom(...BODY_CHANGES)),
    isSpoilt: rarely(false, fc.constant(true)),
    at: fc.nat(4000),
    method: rarely<string | undefined>(undefined, fc.constantFrom(...METHODS)),
    path: rarely<PathChange>((path) => path, pathChange),
    headers: fc.oneof(
      { weight: 3, arbitrary: fc.constant<[string, string][]>([]) },
      { weight: 2, arbitrary: oddHeaders },
    ),
    end: fc.oneof(
      { weight: 40, arbitrary: fc.constant('whole' as const) },
      { weight: 1, arbitrary: fc.constantFrom('broken' as const, 'stalled' as const) },
    ),
  })
  .map(({ draft, number, model, changes, bodyChange, isSpoilt, at, method = draft.method, path, headers, end }) => {
    const { form, type, encode } = formOf(draft)
    // Most prompts are new, and some hit the cache.
    const json = (): string =>
      jsonText(changedJson(draft.json, changes)).replace('A cat', `A cat ${number}`).replace('gpt-image-2', model)
    const text = form?.replace('gpt-image-2', model) ?? (draft.json === undefined ? undefined : json())
    const all = {
      ...draft.headers,
      ...(type === undefined ? {} : { 'content-type': type }),
      ...Object.fromEntries(headers),
    }
    const mayHaveBody = text !== undefined && !['GET', 'HEAD'].includes(method)
    return {
      route: draft.route,
      method,
      path: path(draft.path.replace('gpt-image-2', model)),
      headers: Object.entries(all),
      body: mayHaveBody ? (isSpoilt ? spoiltAt : asIs)(encode(bodyChange(text, at)), at) : undefined,
      end,
    }
  })

const jsonText = (value: unknown): string => JSON.stringify(value) ?? ''
