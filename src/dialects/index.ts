import type { Context } from 'hono'
import type { App } from '../context'
import type { ImageRecord } from '../image/record'
import type { Snapshot } from '../ledger/snapshot'
import { chatCompletions, openrouterChat } from './chat-completions/chat-completions'
import type { Api } from './api'
import type { Dialect, RenderedAnswer } from './dialect'
import type { JobForm } from './job-form'
import type { RenderContext } from './render-context'
import { googleApi } from './google/api'
import { gemini } from './gemini/gemini'
import { grsaiApi, grsaiDraw } from './grsai/grsai'
import { imagen } from './imagen/imagen'
import { imageEdits, imageGenerations, imageVariations } from './openai-images/openai-images'
import { interactions } from './interactions/interactions'
import { openaiApi } from './openai/api'
import { openrouterApi } from './openrouter/api'
import { openrouterImages } from './openrouter-images/openrouter-images'
import { responses } from './responses/responses'

/** A dialect with the options of its answers as stored JSON; it returns undefined for options that it cannot read. */
interface StoredDialect {
  id: string
  render: (record: ImageRecord, wants: string, context: RenderContext) => RenderedAnswer | undefined
  renderNotice: (snapshot: Snapshot, wants: string, context: RenderContext) => unknown
}

function storedDialect<Options>(dialect: Dialect<Options>): StoredDialect {
  const readBy = <Words>(wants: string, word: (options: Options) => Words): Words | undefined => {
    const read = dialect.options.safeParse(JSON.parse(wants))
    return read.success ? word(read.data) : undefined
  }
  return {
    id: dialect.id,
    render: (record, wants, context) => readBy(wants, (read) => dialect.render(record, read, context)),
    renderNotice: (snapshot, wants, context) =>
      readBy(wants, (read) => dialect.renderNotice?.(snapshot, read, context)),
  }
}

/** All dialects with results that a client can fetch later. */
const DIALECTS: readonly StoredDialect[] = [
  storedDialect(imageGenerations),
  storedDialect(imageEdits),
  storedDialect(imageVariations),
  // Jobs of an earlier version have these ids.
  storedDialect({ ...imageGenerations, id: 'azure-images-generations' }),
  storedDialect({ ...imageEdits, id: 'azure-images-edits' }),
  storedDialect(openrouterImages),
  storedDialect(chatCompletions),
  storedDialect(openrouterChat),
  storedDialect(gemini),
  storedDialect(imagen),
  storedDialect(interactions),
  storedDialect(responses),
  storedDialect(grsaiDraw),
  storedDialect(grsaiApi),
]

/** An answer in the words of its request; undefined if no dialect reads the options any more. */
export const renderStoredAnswer = (
  form: JobForm,
  record: ImageRecord,
  context: RenderContext,
): RenderedAnswer | undefined => DIALECTS.find(({ id }) => id === form.dialect)?.render(record, form.wants, context)

/** The state of a generation for a webhook; undefined if the dialect reports no such state. */
export const renderStoredNotice = (form: JobForm, snapshot: Snapshot, context: RenderContext): unknown =>
  DIALECTS.find(({ id }) => id === form.dialect)?.renderNotice(snapshot, form.wants, context)

/** APIs in the order in which a request is compared with them; OpenAI's takes the rest. */
const APIS: readonly Api[] = [googleApi, openrouterApi]

/** The API of the client behind a request that no dialect's own route takes. */
export const apiOf = (c: Context<App>): Api => APIS.find((api) => api.isUsedBy(c)) ?? openaiApi
