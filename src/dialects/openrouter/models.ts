import * as z from 'zod'
import { checked } from '../../failures/checked'
import type { ListedModel, ModelWording } from '../api'
import { epochSeconds } from '../openai/answer'

/** The API's query of a list (protocols §2.2). A filter without a parameter here is refused: it would be ignored. */
const listQuery = z.strictObject({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  /** `text`, `image`, both with a comma, or `all`. */
  output_modalities: z.string().default('all'),
})

/** OpenRouter's list of models, and one of them. */
export const openrouterModels: ModelWording = {
  list: (models, query) => {
    const { offset, limit = models.length, output_modalities } = checked(listQuery, query)
    const wanted = output_modalities.split(',')
    const found = models.filter((each) => wanted.includes('all') || wanted.includes(outputOf(each)))
    const end = offset + limit
    const next = new URLSearchParams({ ...query, offset: String(end), limit: String(limit) })
    return {
      data: found.slice(offset, end).map(openrouterModel),
      links: { next: end < found.length ? `/api/v1/models?${next.toString()}` : null },
      total_count: found.length,
    }
  },
  one: (model) => ({ data: openrouterModel(model) }),
}

/** The time of a model's release, in seconds since 1970. */
export const createdAt = ({ released }: ListedModel): number => epochSeconds(Date.parse(released))

/** The kinds of input and output of a model. */
export const modalitiesOf = (listed: ListedModel): { input_modalities: string[]; output_modalities: string[] } => ({
  input_modalities: listed.isImage && listed.model.maxInputs !== 0 ? ['text', 'image'] : ['text'],
  output_modalities: [outputOf(listed)],
})

const outputOf = ({ isImage }: ListedModel): string => (isImage ? 'image' : 'text')

/** A price depends on the serving upstream. OpenRouter's own routers list such a price so (protocols §2.2). */
const VARIABLE_PRICE = '-1'

function openrouterModel(listed: ListedModel): unknown {
  const { id, shutdownDate } = listed
  const modalities = modalitiesOf(listed)
  return {
    id,
    canonical_slug: id,
    name: id,
    created: createdAt(listed),
    architecture: {
      ...modalities,
      modality: `${modalities.input_modalities.join('+')}->${modalities.output_modalities.join('+')}`,
      instruct_type: null,
    },
    context_length: null,
    default_parameters: null,
    expiration_date: shutdownDate,
    links: { details: `/api/v1/model/${id}` },
    per_request_limits: null,
    pricing: { prompt: VARIABLE_PRICE, completion: VARIABLE_PRICE },
    // The parameters of text models are those of their upstreams.
    supported_parameters: [],
    supported_voices: null,
    top_provider: { context_length: null, is_moderated: false, max_completion_tokens: null },
  }
}
