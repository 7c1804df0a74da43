import * as z from 'zod'
import { checked } from '../../failures/checked'
import type { Api, ListedModel } from '../api'
import { failureInWords } from '../../failures/words'
import { googleFailure } from './error'
import { keyOfGoogle } from './key'
import { isGooglePath } from './paths'

const googleModel = ({ id }: ListedModel): unknown => ({
  name: `models/${id}`,
  displayName: id,
  supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens', 'predict'],
})

/** The API's page sizes: 50 models by default, 1000 at most. */
const pageQuery = z.object({
  pageSize: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .transform((size) => Math.min(size || 50, 1000)),
  /** The last model of the page before. */
  pageToken: z.string().default(''),
})

/** The paths that Google's API shares with OpenAI's; the place of the key tells their clients apart (protocols §3.2). */
const SHARED_PATH = /^\/v1\/models(?:\/|$)/

/** Google's API. A `key` in the query of any other path means nothing. */
export const googleApi: Api = {
  isUsedBy: ({ req }) => isGooglePath(req.path) || (SHARED_PATH.test(req.path) && keyOfGoogle(req) !== undefined),
  renderError: (failure, requestId) => googleFailure(failureInWords(failure), requestId),
  models: {
    list: (models, query) => {
      const { pageSize, pageToken } = checked(pageQuery, query)
      const left = models.filter(({ id }) => id > pageToken)
      const listed = left.slice(0, pageSize)
      const last = listed.at(-1)?.id
      return { models: listed.map(googleModel), ...(left.length > pageSize ? { nextPageToken: last } : {}) }
    },
    one: googleModel,
  },
}
