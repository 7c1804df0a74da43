import { Gallery } from './fake-openai-body.ts'
import type { Markers } from './fake-openai-markers.ts'
import { type ModelRules, imageTokens } from './fake-openai-models.ts'
import { type Operation, type Submission } from './fake-openai-request.ts'
import { flag, given, integer } from './fake-openai-values.ts'
import { hex, makePicture, notAPicture, sha256 } from './fake-picture.ts'

/** The parameters of a good request with OpenAI's defaults, and the markers of its prompt. */
export interface Order {
  operation: Operation
  rules: ModelRules
  prompt: string
  n: number
  size: string
  quality: string
  background: string
  format: string
  /** The form of the pictures; undefined for plain `b64_json`. */
  as: string | undefined
  stream: boolean
  /** The number of previews of each picture; 0 without a stream. */
  partials: number
  inputImages: number
  markers: Markers
}

/** Replaces the first picture in a stream that fails. */
const SERVER_ERROR = {
  error: { message: 'The server had an error.', type: 'server_error', param: null, code: null },
}
const NOT_AN_IMAGE = '<!DOCTYPE html><html><body>This is not a picture.</body></html>'
/** An estimate of the tokens of a 1024x1024 input picture, which are undocumented. */
const INPUT_IMAGE_TOKENS = 1024
const CHARACTERS_PER_TOKEN = 4

export function orderOf(submission: Submission, rules: ModelRules, markers: Markers): Order {
  const text = (name: string, standsFor: string): string => {
    const value = given(submission, name)
    return typeof value === 'string' && value !== 'auto' ? value : standsFor
  }
  const stream = flag(submission, 'stream') && !markers.ignoresStream
  return {
    operation: submission.operation,
    rules,
    prompt: text('prompt', ''),
    n: markers.fault === 'empty' ? 0 : (markers.pictures ?? integer(submission, 'n') ?? 1),
    size: text('size', '1024x1024'),
    quality: text('quality', 'low'),
    background: text('background', 'opaque'),
    format: text('output_format', 'png'),
    as: markers.as ?? (given(submission, 'response_format') === 'url' ? 'url' : undefined),
    stream,
    partials: stream ? (integer(submission, 'partial_images') ?? 0) : 0,
    inputImages: inputImages(submission),
    markers,
  }
}

function inputImages({ fields: { images }, files }: Submission): number {
  return Array.isArray(images) ? images.length : files.filter((file) => file.name.startsWith('image')).length
}

/**
 * The text of an answer, with marks of the gallery for its pictures. `serial` makes the pictures of each call
 * different.
 */
export async function compose(order: Order, origin: string, serial: number, gallery: Gallery): Promise<string> {
  if (order.stream) return composeEvents(order, serial, gallery)
  const items = await Promise.all(
    Array.from({ length: order.n }, (_, index) => itemOf(order, origin, serial, index, gallery)),
  )
  const { background, format, quality, size } = order
  const effective = { background, output_format: format, quality, size }
  const reply = { created: now(), ...effective, data: items, usage: usageOf(order) }
  return JSON.stringify(reply, null, order.markers.pretty ? 2 : undefined)
}

async function itemOf(
  order: Order,
  origin: string,
  serial: number,
  index: number,
  gallery: Gallery,
): Promise<Record<string, string>> {
  const seed = await seedOf(order, serial, `${index}`)
  const length = order.markers.bytes === undefined ? '' : `-${order.markers.bytes}`
  const url = (prefix: string): string => `${origin}/files/${prefix}${seed}${length}.${order.format}`
  const base64 = async (): Promise<string> => gallery.hang(await pictureOf(order, seed))
  const dataUrl = async (): Promise<string> => `data:image/${order.format};base64,${await base64()}`
  const item = await (async (): Promise<Record<string, string>> => {
    if (order.as === 'url') return { url: url('') }
    if (order.as === 'url-gone') return { url: url('gone-') }
    if (order.as === 'data-url') return { b64_json: await dataUrl() }
    if (order.as === 'data-url-in-url') return { url: await dataUrl() }
    if (order.as === 'both') return { url: url(''), b64_json: await dataUrl() }
    return { b64_json: await base64() }
  })()
  return order.markers.pretty ? { ...item, revised_prompt: `Revised: ${order.prompt}` } : item
}

/** Server-sent events (protocols §1.6): for each picture its partials, then the whole, with its usage. */
async function composeEvents(order: Order, serial: number, gallery: Gallery): Promise<string> {
  const name = order.operation === 'edits' ? 'image_edit' : 'image_generation'
  const { background, format, quality, size } = order
  const frames: string[] = []
  const frame = (event: string, data: unknown): number =>
    frames.push(`${order.markers.nameless ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`)
  const add = async (event: string, label: string, more: Record<string, unknown>): Promise<void> => {
    const b64_json = gallery.hang(await pictureOf(order, await seedOf(order, serial, label)))
    const effective = { created_at: now(), size, quality, background, output_format: format }
    frame(event, { type: event, b64_json, ...effective, ...more })
  }
  const { output_tokens_details: _, ...usage } = usageOf({ ...order, n: 1 })
  for (let index = 0; index < order.n; index++) {
    for (let partial = 0; partial < order.partials; partial++) {
      await add(`${name}.partial_image`, `${index} ${partial}`, { partial_image_index: partial })
    }
    if (order.markers.fault === 'error-inside') {
      frame('error', SERVER_ERROR)
      break
    }
    await add(`${name}.completed`, `${index}`, { usage })
  }
  return frames.join('')
}

async function seedOf({ prompt }: Order, serial: number, label: string): Promise<string> {
  const hash = await sha256(`${serial} ${label} ${prompt}`)
  return hex(hash).slice(0, 16)
}

function pictureOf({ format, markers }: Order, seed: string): ReturnType<typeof makePicture> {
  if (markers.fault === 'not-an-image') return Promise.resolve(notAPicture(NOT_AN_IMAGE))
  return makePicture(format, seed, markers.bytes)
}

const now = (): number => Math.floor(Date.now() / 1000)

interface Usage {
  input_tokens: number
  input_tokens_details: { text_tokens: number; image_tokens: number }
  output_tokens: number
  output_tokens_details: { image_tokens: number; text_tokens: number }
  total_tokens: number
}

function usageOf(order: Order): Usage {
  const text_tokens = Math.ceil(order.prompt.length / CHARACTERS_PER_TOKEN)
  const image_tokens = order.inputImages * INPUT_IMAGE_TOKENS
  const input_tokens = text_tokens + image_tokens
  const output_tokens = order.n * (imageTokens(order.rules, order.quality, order.size) + 100 * order.partials)
  return {
    input_tokens,
    input_tokens_details: { text_tokens, image_tokens },
    output_tokens,
    output_tokens_details: { image_tokens: output_tokens, text_tokens: 0 },
    total_tokens: input_tokens + output_tokens,
  }
}

/** The usage of an answer to an order. */
export function tokensOf(order: Order): { input: number; output: number } {
  const { input_tokens, output_tokens } = usageOf(order)
  // Each picture of a stream has its own usage, which counts the input again.
  return { input: order.stream ? order.n * input_tokens : input_tokens, output: output_tokens }
}
