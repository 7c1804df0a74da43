import { epochSeconds } from './answer'
import type { Api, ListedModel } from '../api'
import { openaiError } from './error'

/** The API has no word for an unknown maker, so every model has the same one. */
const openaiModel = ({ id, released, shutdownDate }: ListedModel): unknown => ({
  id,
  object: 'model',
  created: epochSeconds(Date.parse(released)),
  owned_by: 'darkroom',
  shutdown_date: shutdownDate,
})

/** OpenAI's API, which also covers clients of no other API. */
export const openaiApi: Api = {
  isUsedBy: () => true,
  renderError: openaiError,
  models: {
    list: (models) => ({ object: 'list', data: models.map(openaiModel) }),
    one: openaiModel,
  },
}
