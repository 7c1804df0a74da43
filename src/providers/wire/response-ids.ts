/** The headers with an upstream's request id: OpenAI, then Azure and new-api relays (protocols §2.1, §6.1). */
const REQUEST_ID_HEADERS = ['x-request-id', 'apim-request-id', 'x-ms-request-id', 'x-oneapi-request-id']

/** The upstream's id of a request. */
export const requestIdOf = (headers: Headers): string | undefined =>
  REQUEST_ID_HEADERS.map((name) => headers.get(name)).find((id) => id !== null) ?? undefined

/** The status of an answer and its ids, for the log and for audits. */
export const idsOf = ({
  status,
  headers,
}: Response): { status: number; requestId: string | undefined; organization: string | undefined } => ({
  status,
  requestId: requestIdOf(headers),
  organization: headers.get('openai-organization') ?? undefined,
})
