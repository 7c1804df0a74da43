import type { Api } from '../api'
import { openrouterError } from './error'
import { openrouterModels } from './models'

/** OpenRouter's API: its error words and its list of models. */
export const openrouterApi: Api = {
  isUsedBy: (c) => c.req.path.startsWith('/api/v1/'),
  renderError: openrouterError,
  models: openrouterModels,
}
