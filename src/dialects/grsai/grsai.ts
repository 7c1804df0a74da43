import type { ErrorCode, Failure } from '../../runtime/errors'
import { bearerToken } from '../../credentials/caller'
import { type Dialect, type Stream, type Worded, wordedJson } from '../dialect'
import { API, DRAW, failed, type GrsaiTask, running, succeeded, taskOf, type Words } from './task'
import { parseApi, parseDraw, type Wants, wants } from './request'
import { renamed } from '../renamed'

/** Of GrsAI's API (protocols §5), one of the two generations that its clients speak. */
const dialect = (id: string, words: Words, parse: Dialect<Wants>['parse']): Dialect<Wants> => ({
  id,
  wants,
  apiKey: (c) => bearerToken(c.req.header('authorization')),
  parse,
  render: (record, _, { generation, link }) => ({
    contentType: 'application/json',
    parts: [JSON.stringify(words.task(succeeded(record, generation, link)))],
  }),
  stream: (_, { reply, progress }, { generation, link }) =>
    reply === 'stream' ? streamOf(words, generation, link, progress) : undefined,
  renderHandOff: ({ generation }) => words.accepted(generation),
  renderNotice: (snapshot, { progress }, { link }) => {
    const task = taskOf(snapshot, snapshot.percent ?? 0, link)
    return progress || task.status !== 'running' ? words.task(task) : undefined
  },
  renderError: (failure, requestId, wanted, generation) => {
    const { code, message } = renamed(failure, NAMES)
    const told = { ...failure, message: code === 'internal' ? `${message} (request ID ${requestId})` : message }
    const isTask = generation !== undefined && wanted?.reply !== 'later' && !OF_ITS_CALLER.includes(code)
    if (!isTask) return words.refused(told)
    const task = failed(generation, told)
    return wanted?.reply === 'stream' ? framed(words, task) : wordedJson(200, words.task(task))
  },
})

/** What the API calls a parameter. */
const NAMES = { n: 'variants' }

/** What its caller's limits refuse is no task that has failed. */
const OF_ITS_CALLER: readonly ErrorCode[] = [
  'budget_exhausted',
  'concurrency_limited',
  'forbidden_model',
  'rate_limited',
  'unauthorized',
]

const CONTENT_TYPE = 'text/event-stream'

/** Clients split lines, and read those that begin like this; events have no names, and there is no `[DONE]`. */
const frame = (words: Words, task: GrsaiTask): string => `data: ${JSON.stringify(words.task(task))}\n\n`

/** One that has failed before its stream has begun: that is told in a stream all the same. */
const framed = (words: Words, task: GrsaiTask): Worded => ({
  status: 200,
  contentType: CONTENT_TYPE,
  text: frame(words, task),
})

const streamOf = (words: Words, id: string, link: (key: string) => string, tellsProgress: boolean): Stream => ({
  contentType: CONTENT_TYPE,
  opening: () => (tellsProgress ? frame(words, running(id, 0)) : ''),
  idle: () => '\n',
  ...(tellsProgress ? { progress: (percent: number) => frame(words, running(id, percent)) } : {}),
  partial: () => [],
  close: (record) => [frame(words, succeeded(record, id, link))],
  failure: (failure: Failure) => frame(words, failed(id, failure)),
})

export const grsaiDraw = dialect('grsai-draw', DRAW, parseDraw)
export const grsaiApi = dialect('grsai-api', API, parseApi)
