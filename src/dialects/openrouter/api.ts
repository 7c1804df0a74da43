import type { Api } from '../api'
import { openaiApi } from '../openai/api'
import { openrouterError } from './error'

/** OpenRouter's API: its own error words, and OpenAI's list of models. */
export const openrouterApi: Api = {
  isUsedBy: (c) => c.req.path.startsWith('/api/v1/'),
  renderError: openrouterError,
  models: openaiApi.models,
}
