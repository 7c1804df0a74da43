import { inputTokens } from '../../catalog/tokens'
import type { Catalogue } from '../../catalog/model'
import { DEFAULTS, type ImageRequestOf } from '../../image/request'
import type { Path } from '../../streams/json'
import { modelAndMethod } from '../google/paths'
import type { Intake } from '../intake'
import { isObject, readJsonFields } from '../json-body'
import { byModality } from './answer'
import { readFields } from './fields'
import { isPicture, turnsOfContents } from './request'

/** The body of `countTokens` may hold the request of `generateContent` as a field. */
const WRAPPED = /^generate_?content_?request$/i

/** The answer to `countTokens`: the catalogue's estimate of a request's input tokens. Throws GatewayError. */
export async function countedTokens(intake: Intake, catalogue: Catalogue): Promise<Record<string, unknown>> {
  const [name] = modelAndMethod(intake.param('call') ?? '')
  const { model } = intake.model(name)
  const { textIn: text, imageIn: image } = inputTokens(await readCounted(intake, model), catalogue(model).tokens)
  return { totalTokens: text + image, promptTokensDetails: byModality({ text, image }) }
}

/** The request of a body; its pictures are passed over as they arrive. */
async function readCounted(intake: Intake, model: string): Promise<ImageRequestOf<unknown>> {
  const body = await readJsonFields(
    intake,
    (path) => isPicture(unwrapped(path)),
    async ({ bytes }) => {
      for await (const _ of bytes);
    },
  )
  const wrapped = Object.entries(body).find(([name]) => WRAPPED.test(name))?.[1]
  const { fields } = readFields(isObject(wrapped) ? wrapped : body)
  const turns = turnsOfContents(fields)
  return {
    ...DEFAULTS,
    operation: 'generate',
    model,
    prompt: turns.flatMap(({ texts }) => texts).join(''),
    extras: {},
    images: turns.flatMap(({ pictures }) => pictures),
    partials: 0,
  }
}

const unwrapped = ([first, ...rest]: Path): Path =>
  typeof first === 'string' && WRAPPED.test(first) ? rest : first === undefined ? [] : [first, ...rest]
