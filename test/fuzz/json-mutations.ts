import * as fc from 'fast-check'
import { PNG_URL } from './valid-requests'

/** A change of a JSON value at one of its places. */
interface JsonChange {
  /** The place, counted from 0 and modulo the number of places. */
  at: number
  kind: 'replace' | 'remove' | 'add' | 'nest' | 'repeat' | 'shout'
  name: string
  value: unknown
}

const WORDS = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '💥'.repeat(40),
  'auto',
  'high',
  '0x0',
  '1024x1024',
  '16:9',
  '4K',
  'gpt-image-2',
  'talker',
  'gemini-3-pro-image',
  'https://pictures.example.com/b.png',
  'https://pictures.example.com/page.html',
  'http://169.254.169.254/latest/meta-data',
  'https://darkroom.example.net/images/x?exp=1&sig=2',
  'javascript:alert(1)',
  'data:,',
  'data:image/png;base64,####',
  PNG_URL,
  '../../etc/passwd',
  "'; DROP TABLE ledger; --",
  '<script>alert(1)</script>',
  'A cat @fault=moderation',
  'A cat @fault=500',
  '{"model":"gpt-image-2"}',
]

const NUMBERS = [0, -0, -1, 1, 2, 10, 11, 0.5, 1e21, -1e308, 2 ** 31, 2 ** 53, 5e-324]

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'model',
  'prompt',
  'n',
  'stream',
  'images',
  'mask',
  'tools',
  'Tools',
  'size',
  '',
  'a.b',
  'a[0]',
  '模型',
  'user',
  'seed',
  'webHook',
  'image',
  'messages',
]

const deep = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 3, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}, [[]], [null], { a: [] }) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(3, 60, 1500).map(deep) },
  { weight: 1, arbitrary: fc.constantFrom(300, 5000, 33_000, 200_000).map((length) => 'x'.repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom(20, 3000).map((length) => Array.from({ length }, (_, at) => at)) },
)

const someChanges: fc.Arbitrary<JsonChange[]> = fc.array(
  fc.record({
    at: fc.nat(200),
    kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'add', 'nest', 'repeat', 'shout'),
    name: fc.constantFrom(...NAMES),
    value: anyValue,
  }),
  { minLength: 1, maxLength: 3 },
)

/** Up to three changes; one body in three stays valid. */
export const jsonChanges: fc.Arbitrary<JsonChange[]> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<JsonChange[]>([]) },
  { weight: 2, arbitrary: someChanges },
)

type Place = (change: (value: unknown) => unknown) => void

/** The places in a JSON value, down to a depth, as functions that change it. */
function placesIn(holder: Record<string, unknown>, name: string, depth = 20): Place[] {
  const own: Place = (change) => void Object.defineProperty(holder, name, { ...OPEN, value: change(holder[name]) })
  const value = holder[name]
  if (!isObject(value) || depth === 0) return [own]
  return [own, ...Object.keys(value).flatMap((each) => placesIn(value, each, depth - 1))]
}

const OPEN = { writable: true, enumerable: true, configurable: true }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** A changed copy of a JSON value. */
export function changedJson(original: unknown, changes: readonly JsonChange[]): unknown {
  const root: Record<string, unknown> = { value: structuredClone(original) }
  for (const change of changes) {
    const places = placesIn(root, 'value')
    places[change.at % places.length]?.((value) =>
      changedValue(value, { ...change, value: structuredClone(change.value) }),
    )
  }
  return root['value']
}

function changedValue(value: unknown, { kind, name, value: other }: JsonChange): unknown {
  switch (kind) {
    case 'replace':
      return other
    case 'remove':
      return undefined
    case 'add':
      if (Array.isArray(value)) return [...(value as unknown[]), other]
      return isObject(value) ? Object.defineProperty({ ...value }, name, { ...OPEN, value: other }) : { [name]: value }
    case 'nest':
      return [value]
    case 'repeat':
      return Array.isArray(value) ? [...(value as unknown[]), ...(value as unknown[])] : [value, value]
    case 'shout':
      return typeof value === 'string' ? value.toUpperCase() : JSON.stringify(value)
    default:
      return kind satisfies never
  }
}
