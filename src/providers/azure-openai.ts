import * as z from 'zod'
import { type ImagesEndpoint, openaiImages } from './wire/openai-images'
import type { Provider, Upstream, Work } from './provider'
import type { ErrorReader } from './wire/error-report'
import { readOpenaiError } from './wire/upstream-error'

/**
 * OpenAI's models at Azure (protocols §6.1). A request names the deployment of a model.
 * The base URL is that of the resource, `https://{res}.openai.azure.com`. A dated `?api-version=` in it selects the
 * paths with the deployment's name.
 */
export const azureOpenaiProvider: Provider = {
  id: 'azure-openai',
  account,
  baseUrlQuery: ['api-version'],
  generate: (request, upstream, work) => openaiImages(request, azureEndpoint(upstream, work), upstream, work),
}

const azureEndpoint = (upstream: Upstream, { model }: Work): ImagesEndpoint => ({
  to: (operation) => azureUrl(upstream.baseUrl, model, operation),
  account: account(upstream),
  readError,
})

function account({ credential }: Upstream): Record<string, string> {
  return { 'api-key': credential }
}

/** A dated version has paths of its own. `v1` and `preview` use the paths without a version. */
const DATED_VERSION = /^\d{4}-/

function azureUrl(baseUrl: string, deployment: string, operation: string): string {
  const url = new URL(baseUrl)
  // Clients often give the base URL with the ending that this function appends.
  const front = url.pathname.replace(/\/+$/, '').replace(/\/openai(?:\/v1)?$/, '')
  const isDated = DATED_VERSION.test(url.searchParams.get('api-version') ?? '')
  const place = isDated ? `deployments/${encodeURIComponent(deployment)}` : 'v1'
  url.pathname = `${front}/openai/${place}/images/${operation}`
  return url.href
}

const errorReply = z.object({
  error: z.object({
    code: z.unknown(),
    inner_error: z.object({ code: z.unknown() }).nullish().catch(undefined),
    innererror: z.object({ code: z.unknown() }).nullish().catch(undefined),
  }),
})

/**
 * Reads OpenAI's error body with Azure's codes: a status as text, or its content filter. Either may come with a good
 * status.
 */
const readError: ErrorReader = (body, status) => {
  const said = readOpenaiError(body, status)
  const { inner_error: inner, innererror } = errorReply.safeParse(body).data?.error ?? {}
  if (inner?.code === 'ResponsibleAIPolicyViolation' || innererror?.code === 'ResponsibleAIPolicyViolation')
    return { ...said, moderated: true }
  const meant = /^4\d\d$/.test(said.code ?? '') ? Number(said.code) : undefined
  // Each deployment has limits of its own.
  return { ...said, limits: 'model', ...(meant === undefined ? {} : { status: meant }) }
}
