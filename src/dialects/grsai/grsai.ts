import { isOfCaller } from '../../failures/errors'
import { type Dialect, type AnswerStream, type RenderedError, renderedJson } from '../dialect'
import {
  costOfFailure,
  API_WORDING,
  DRAW_WORDING,
  failedTask,
  type GrsaiTask,
  runningTask,
  succeededTask,
  taskOf,
  type TaskWording,
} from './task'
import { parseApi, parseDraw, type GrsaiAnswerOptions, grsaiAnswerOptions } from './request'
import type { RenderContext } from '../render-context'
import { wordFailure } from '../worded-failure'

/** One of the two generations of GrsAI's API (protocols §5). */
const grsaiDialect = (
  id: string,
  words: TaskWording,
  parse: Dialect<GrsaiAnswerOptions>['parse'],
): Dialect<GrsaiAnswerOptions> => ({
  id,
  options: grsaiAnswerOptions,
  parse,
  render: (record, _, { generation, link }) => ({
    contentType: 'application/json',
    parts: [JSON.stringify(words.task(succeededTask(record, generation, link)))],
  }),
  stream: (_, { reply, progress }, context) => (reply === 'stream' ? taskStream(words, context, progress) : undefined),
  renderJob: ({ generation }) => words.accepted(generation),
  renderNotice: (snapshot, { progress }, { link }) => {
    const task = taskOf(snapshot, snapshot.percent ?? 0, link, words)
    return progress || task.status !== 'running' ? words.task(task) : undefined
  },
  renderError: (failure, requestId, options, generation) => {
    const isTask = generation !== undefined && options?.reply !== 'later' && !isOfCaller(failure.code)
    if (!isTask) return words.refused(failure, requestId)
    const task = failedTask(generation, wordFailure(failure, requestId, words.vocabulary), costOfFailure(failure))
    return options?.reply === 'stream' ? failedStream(words, task) : renderedJson(200, words.task(task))
  },
})

const CONTENT_TYPE = 'text/event-stream'

/** Clients split lines and read those with this beginning; events have no names, and no `[DONE]` ends them. */
const taskFrame = (words: TaskWording, task: GrsaiTask): string => `data: ${JSON.stringify(words.task(task))}\n\n`

/** A failure before the stream begins comes as a stream too. */
const failedStream = (words: TaskWording, task: GrsaiTask): RenderedError => ({
  status: 200,
  contentType: CONTENT_TYPE,
  text: taskFrame(words, task),
})

const taskStream = (
  words: TaskWording,
  { generation: id, link, requestId }: RenderContext,
  tellsProgress: boolean,
): AnswerStream => ({
  contentType: CONTENT_TYPE,
  opening: () => (tellsProgress ? taskFrame(words, runningTask(id, 0)) : ''),
  idle: () => '\n',
  ...(tellsProgress ? { progress: (percent: number) => taskFrame(words, runningTask(id, percent)) } : {}),
  partial: () => [],
  close: (record) => [taskFrame(words, succeededTask(record, id, link))],
  failure: (failure) =>
    taskFrame(words, failedTask(id, wordFailure(failure, requestId, words.vocabulary), costOfFailure(failure))),
})

export const grsaiDraw = grsaiDialect('grsai-draw', DRAW_WORDING, parseDraw)
export const grsaiApi = grsaiDialect('grsai-api', API_WORDING, parseApi)
