import { FakeProvider, fieldsOf, htmlPage, type Order, type Sent } from './fake-provider.ts'

const FIELDS = ['model', 'prompt', 'n', 'response_format', 'aspect_ratio', 'resolution', 'quality', 'user']
const EDIT_FIELDS = [...FIELDS, 'image', 'images']
const FAULTS = [
  'moderation',
  'output-moderation',
  'empty',
  'limited',
  'billing',
  'unauthorized',
  'no-model',
  'malformed',
  'gone',
  'error',
  'error-inside',
  'partial',
]

const RATIO = /^(?:1:1|4:3|3:4|3:2|2:3|16:9|9:16|2:1|1:2|19\.5:9|9:19\.5|20:9|9:20|21:9|5:2)$/
const VALUES: Readonly<Record<string, RegExp>> = {
  aspect_ratio: RATIO,
  resolution: /^(?:1k|1\.5k|2k)$/,
  quality: /^(?:low|medium|auto)$/,
}
/** The older model lacks these values, and takes fewer pictures. */
const OLDER = 'grok-imagine-image'
const NEWER_VALUES = ['21:9', '5:2', '1.5k']

const INVALID = 'Client specified an invalid argument'
const NO_PERMISSION = 'The caller does not have permission to execute the specified operation'
/** A cent each. */
const TICKS = 100_000_000

const plain = (status: number, code: string, error: string): Response => Response.json({ code, error }, { status })

/** xAI (protocols §6.6): errors come in two shapes, and refusals with a good status. */
export class FakeXai extends FakeProvider {
  readonly provider = 'xai'
  readonly model = 'grok-imagine-image-2.0'
  override readonly answersUrls = true
  override readonly basePath = '/v1'
  override get models(): string[] {
    return [this.model, OLDER, `${OLDER}-quality`, `${OLDER}-pro`]
  }

  protected async answer(_: Request, { method, path, headers, body }: Sent): Promise<Response> {
    if (headers['authorization'] !== `Bearer ${this.key}`) return plain(400, INVALID, 'Incorrect API key provided.')
    const isEdit = path === '/v1/images/edits'
    if (method !== 'POST' || (!isEdit && path !== '/v1/images/generations'))
      return plain(404, 'Not found', 'No such path.')
    const stray = (field: string): Response => plain(400, INVALID, `Argument not supported: ${field}`)
    const fields = fieldsOf(body, isEdit ? EDIT_FIELDS : FIELDS, stray)
    const { prompt, n, response_format: format, image, images } = fields
    const order = this.order(prompt, FAULTS)
    const pictures: unknown[] = Array.isArray(images) ? images : image === undefined ? [] : [image]
    const faulty = Object.keys(VALUES).find((name) => isWrong(fields, name))
    if (faulty) return plain(400, INVALID, `Argument not supported: ${faulty}`)
    if (
      pictures.length > (fields['model'] === OLDER ? 3 : 5) ||
      (isEdit && pictures.length === 0) ||
      !pictures.every(isPicture)
    )
      return plain(400, INVALID, 'The pictures are not as they should be.')
    if (!this.models.includes(String(fields['model'])) || order.fault === 'no-model')
      return plain(404, 'Some requested entity was not found', 'The model does not exist or your team has no access.')
    return (
      this.#refused(order) ??
      (await this.#made(order, Number(n ?? 1), format === 'b64_json', fields['model'] === OLDER))
    )
  }

  #refused({ fault }: Order): Response | undefined {
    switch (fault) {
      case 'moderation':
        return plain(400, INVALID, 'Generated image rejected by content moderation.')
      case 'limited':
        return Response.json(
          { error: { message: 'Too many requests.' } },
          { status: 429, headers: { 'retry-after': '3' } },
        )
      case 'billing':
        return plain(
          429,
          NO_PERMISSION,
          'Your team has either used all available credits or reached its spending limit.',
        )
      case 'unauthorized':
        return plain(400, INVALID, 'Incorrect API key provided.')
      case 'malformed':
        return htmlPage()
      case 'error':
        return Response.json({ error: { message: 'Internal error.' } }, { status: 500 })
      case 'error-inside':
        return plain(200, 'Internal', 'The service is overloaded.')
      default:
        return undefined
    }
  }

  async #made({ prompt, fault }: Order, n: number, asBase64: boolean, isOlder: boolean): Promise<Response> {
    this.submits += 1
    const count = fault === 'empty' ? 0 : n
    const data = await Promise.all(
      Array.from({ length: count }, async (_, at) => ({
        ...(asBase64 ? { b64_json: await this.base64() } : { url: this.pictureUrl(fault) }),
        revised_prompt: `Revised: ${prompt}`,
        respect_moderation: fault !== 'output-moderation' && !(fault === 'partial' && at === 0),
      })),
    )
    // The model that served, whatever name was asked.
    const model = isOlder ? OLDER : this.model
    return Response.json({ data, model, usage: { cost_in_usd_ticks: TICKS * n } })
  }
}

function isWrong(fields: Record<string, unknown>, name: string): boolean {
  const value = fields[name]
  if (value === undefined) return false
  if (typeof value !== 'string') return true
  if (fields['model'] === OLDER && (name === 'quality' || NEWER_VALUES.includes(value))) return true
  return VALUES[name]?.test(value) !== true
}

const isPicture = (value: unknown): boolean => {
  const { url, type } = fieldsOf(value, ['url', 'type'], (field) =>
    plain(400, INVALID, `Argument not supported: ${field}`),
  )
  return type === 'image_url' && typeof url === 'string' && /^data:image\/\w+;base64,/.test(url)
}
