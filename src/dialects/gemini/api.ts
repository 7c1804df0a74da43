import * as z from 'zod'
import { checked } from '../../failures/checked'
import type { Api, ListedModel } from '../api'
import { geminiError } from './error'
import { geminiKey, googleKey } from './key'

const googleModel = ({ id }: ListedModel): unknown => ({
  name: `models/${id}`,
  displayName: id,
  supportedGenerationMethods: ['generateContent', 'streamGenerateContent'],
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

/** Google's API. Its clients share `/v1/models` with OpenAI's and differ by the place of the key (protocols §3.2). */
export const geminiApi: Api = {
  isUsedBy: (c) => c.req.path.startsWith('/v1beta/') || googleKey(c) !== undefined,
  renderError: geminiError,
  models: {
    apiKey: geminiKey,
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
