/*
 * Finds calls of objects and stores without a deadline: a client would hang with them. A call stands within the
 * arguments of a function that sets a deadline.
 *
 *     node scripts/lint/deadlines.ts  exits with 1 on a breach
 */
import { type CallExpression, Visitor } from 'oxc-parser'
import { filesBelow, lineAt, type Source, sourceOf } from './source.ts'

/** Functions that end a call in time. */
const BOUNDED = new Set([
  'callObject',
  'callObjectOnce',
  'callObjectForLong',
  'withDeadline',
  'withRetries',
  'writeStored',
])
/** Names of R2, of KV, of an upload in parts, and of the cache of a data centre. */
const STORES = new Set(['bucket', 'cache', 'multipart', 'default', 'IMAGES', 'CACHE'])

/** The lines of calls without a deadline, counted from 1. */
export function unboundedCalls({ text, program }: Pick<Source, 'text' | 'program'>): number[] {
  const bounds: { start: number; end: number }[] = []
  const calls: number[] = []
  new Visitor({
    CallExpression(call) {
      if (call.callee.type === 'Identifier' && BOUNDED.has(call.callee.name)) bounds.push(call)
      if (isRemote(call)) calls.push(call.start)
    },
  }).visit(program)
  return calls.filter((at) => !bounds.some(({ start, end }) => start < at && at < end)).map((at) => lineAt(text, at))
}

function isRemote({ callee }: CallExpression): boolean {
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return false
  const { object, property } = callee
  if (property.name === 'getByName') return true
  const store = object.type === 'MemberExpression' ? object.property : object
  return store.type === 'Identifier' && STORES.has(store.name)
}

function main(): number {
  const breaches = filesBelow('src', ['.ts']).flatMap((file) =>
    unboundedCalls(sourceOf(file)).map((line) => `${file}:${line} a call of an object or a store has no deadline`),
  )
  for (const breach of breaches) console.error(breach)
  return breaches.length > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = main()
