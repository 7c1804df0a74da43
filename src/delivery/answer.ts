import type { Context } from 'hono'
import type { App } from '../context'
import { type Ready, ready } from './whole'
import type { RenderedAnswer } from '../dialects/dialect'
import { type Failure, GatewayError } from '../runtime/errors'
import type { OnProgress } from '../generation/subscribers'
import { forget, obtain } from '../generation/generations'
import type { GenerateOptions, Obtained } from '../generation/task'
import { getRecord } from '../store/records'

/** An answer, and how it came about. */
export interface Answer extends Obtained {
  ready: Ready
}

/** Where an answer comes from, and how it is worded. */
export interface Source {
  ask: GenerateOptions
  word: (obtained: Obtained) => RenderedAnswer
  c: Context<App>
}

/** The near copy of a finished generation, where it is fresh enough and its images are there. Throws GatewayError. */
export async function fromCache(source: Source): Promise<Answer | undefined> {
  const { ask, c } = source
  const record = await getRecord(c.env.CACHE, ask.task.id)
  return record && record.createdMs >= ask.madeSinceMs ? await worded(source, { record, origin: 'HIT' }) : undefined
}

/** The answer of a generation; for one that has outlived its images, whatever is made after it. Throws GatewayError. */
export async function fromGeneration(source: Source, onGlimpse: OnProgress | undefined): Promise<Answer> {
  const { ask, c } = source
  const first = await obtain(c.env.GENERATIONS, ask, onGlimpse)
  const answer = await worded(source, first)
  if (answer) return answer
  const madeSinceMs = first.record.createdMs + 1
  const remade = await worded(source, await obtain(c.env.GENERATIONS, { ...ask, madeSinceMs }, onGlimpse))
  if (remade) return remade
  throw new GatewayError(GONE)
}

async function worded({ word, c }: Source, obtained: Obtained): Promise<Answer | undefined> {
  const onMissing = (key: string): Promise<void> => forget(c.env.GENERATIONS, key)
  const answer = await ready(word(obtained), c.env.IMAGES, onMissing)
  return answer && { ...obtained, ready: answer }
}

const GONE: Failure = {
  code: 'unavailable',
  message: 'The image was made but cannot be found. Try again in a moment.',
  retryAfterMs: 2000,
}
