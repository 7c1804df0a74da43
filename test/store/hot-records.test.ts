import { expect, test } from 'vitest'
import type { ImageRecord } from '../../src/image/record'
import { HotRecords } from '../../src/store/hot-records'

const record = (id: string, prompt = 'A cat'): ImageRecord => ({
  id,
  createdMs: 0,
  tookMs: 0,
  operation: 'generate',
  model: 'gpt-image-2',
  upstream: { name: 'openai', account: 0 },
  images: [{ key: 'images/a/b-0.png', bytes: 1, mediaType: 'image/png', revisedPrompt: prompt }],
})

const LONG = 'A cat. '.repeat(5000)

test('the memory of an isolate keeps the 512 newest records', () => {
  const memory = new HotRecords()
  const nowMs = Date.now()
  for (let number = 0; number < 600; number++) memory.noteRead(record(`${number}`), nowMs)
  const kept = Array.from({ length: 600 }, (_, number) => memory.find(`${number}`, nowMs) !== undefined)
  expect(kept.indexOf(true)).toBe(88)
  expect(kept.filter(Boolean)).toHaveLength(512)
})

test('a record that is read again is among the newest', () => {
  const memory = new HotRecords()
  const nowMs = Date.now()
  memory.noteRead(record('first'), nowMs - 1)
  for (let number = 0; number < 511; number++) memory.noteRead(record(`${number}`), nowMs)
  memory.noteRead(record('first'), nowMs)
  memory.noteRead(record('one more'), nowMs)
  expect([memory.find('first', nowMs), memory.find('0', nowMs)]).toEqual([
    { record: record('first'), atMs: nowMs },
    undefined,
  ])
})

test('a long record is read anew each time', () => {
  const memory = new HotRecords()
  const nowMs = Date.now()
  expect(memory.noteRead(record('long', LONG), nowMs)?.id).toBe('long')
  expect(memory.find('long', nowMs)).toBeUndefined()
})

test('a long record that was just made replaces an older one: its generation is asked', () => {
  const memory = new HotRecords()
  memory.noteRead(record('a'), Date.now())
  memory.noteChange('a', record('a', LONG))
  expect(memory.find('a', Date.now())).toEqual({ record: undefined, atMs: expect.any(Number) })
})
