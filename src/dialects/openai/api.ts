import { bearerToken } from '../../credentials/caller'
import type { Api, ListedModel } from '../api'
import { openaiError } from './error'

/** The API has no word for an unknown maker or date of creation, so every model has the same ones. */
const openaiModel = ({ id, shutdownDate }: ListedModel): unknown => ({
  id,
  object: 'model',
  created: 0,
  owned_by: 'darkroom',
  shutdown_date: shutdownDate,
})

/** OpenAI's API, which also covers clients of no other API. */
export const openaiApi: Api = {
  isUsedBy: () => true,
  renderError: openaiError,
  models: {
    apiKey: (c) => bearerToken(c.req.header('authorization')),
    list: (models) => ({ object: 'list', data: models.map(openaiModel) }),
    one: openaiModel,
  },
}
