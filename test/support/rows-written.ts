import { runInDurableObject } from 'cloudflare:test'

type Call = (...given: readonly unknown[]) => unknown

/** Replaces a method of one object by a function that receives the usual method and the arguments. */
function shadow(object: object, verb: string, call: (usual: Call, given: readonly unknown[]) => unknown): void {
  const usual: unknown = Reflect.get(object, verb, object)
  if (typeof usual !== 'function') throw new Error(`the storage has no ${verb}`)
  const plain: Call = (...given) => Reflect.apply(usual, object, given)
  Object.defineProperty(object, verb, { configurable: true, value: (...given: unknown[]) => call(plain, given) })
}

/** The rows that an object has written, by what they were. */
export type RowsWritten = Record<string, number>

export const sumOf = (rows: RowsWritten): number => Object.values(rows).reduce((sum, each) => sum + each, 0)

/** Counts the rows that an object writes from now on, as they are billed: with indexes, deletes and alarms. */
export async function countRows(stub: DurableObjectStub): Promise<() => RowsWritten> {
  const rows: RowsWritten = {}
  const cursors: { what: string; cursor: SqlStorageCursor<Record<string, SqlStorageValue>> }[] = []
  const note = (what: string, count: number): void => void (rows[what] = (rows[what] ?? 0) + count)
  const nameOf = (key: unknown): string => String(key).split(':')[0] ?? ''
  await runInDurableObject(stub, (_, { storage }) => {
    shadow(storage.kv, 'put', (usual, given) => {
      note(`put ${nameOf(given[0])}`, 1)
      return usual(...given)
    })
    shadow(storage.kv, 'delete', (usual, given) => {
      const isGone = usual(...given)
      if (isGone === true) note(`delete ${nameOf(given[0])}`, 1)
      return isGone
    })
    shadow(storage, 'setAlarm', (usual, given) => {
      note('alarm', 1)
      return usual(...given)
    })
    const exec = storage.sql.exec.bind(storage.sql)
    Object.defineProperty(storage.sql, 'exec', {
      configurable: true,
      value: (query: string, ...given: SqlStorageValue[]) => {
        const cursor = exec(query, ...given)
        cursors.push({ what: query.trim().split(/\s+/).slice(0, 3).join(' '), cursor })
        return cursor
      },
    })
  })
  return () => {
    for (const { what, cursor } of cursors.splice(0)) if (cursor.rowsWritten > 0) note(what, cursor.rowsWritten)
    return rows
  }
}
