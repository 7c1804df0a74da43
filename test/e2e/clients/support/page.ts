/**
 * The `fetch` of a script in a page of an origin. It sends a preflight where browsers do, and rejects if the server
 * refuses it. It hides unexposed headers (https://fetch.spec.whatwg.org/#http-cors-protocol).
 */
export const fetchOfPage =
  (origin: string): typeof fetch =>
  async (input, init) => {
    const request = new Request(input, init)
    if (needsLeave(request)) await askForLeave(origin, request)
    request.headers.set('origin', origin)
    const response = await fetch(request)
    letIn(origin, response)
    const exposed = [...listed(response, 'access-control-expose-headers'), ...SHOWN_ALWAYS]
    const headers = Array.from(response.headers).filter(([name]) => exposed.includes(name))
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
  }

const SHOWN_ALWAYS = ['cache-control', 'content-language', 'content-length', 'content-type', 'expires', 'last-modified']

const SENT_ALWAYS = ['accept', 'accept-language', 'content-language']

const FORM_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']

const listed = ({ headers }: Response, name: string): string[] =>
  (headers.get(name) ?? '').split(',').map((value) => value.trim().toLowerCase())

/** The headers that need a preflight. */
const guarded = ({ headers }: Request): string[] =>
  Array.from(headers)
    .filter(([name, value]) => !SENT_ALWAYS.includes(name) && !(name === 'content-type' && isForm(value)))
    .map(([name]) => name)

const isForm = (type: string): boolean => FORM_TYPES.includes(type.split(';')[0] ?? '')

const needsLeave = (request: Request): boolean =>
  !['GET', 'HEAD', 'POST'].includes(request.method) || guarded(request).length > 0

async function askForLeave(origin: string, request: Request): Promise<void> {
  const names = guarded(request)
  const headers = {
    origin,
    'access-control-request-method': request.method,
    'access-control-request-headers': names.toSorted().join(','),
  }
  const response = await fetch(request.url, { method: 'OPTIONS', headers })
  letIn(origin, response)
  const allowed = listed(response, 'access-control-allow-headers')
  const isAllowed = (name: string): boolean =>
    allowed.includes(name) || (name !== 'authorization' && allowed.includes('*'))
  const methods = ['get', 'head', 'post', ...listed(response, 'access-control-allow-methods')]
  if (!response.ok || !names.every(isAllowed) || !methods.includes(request.method.toLowerCase())) throw refused()
}

function letIn(origin: string, { headers }: Response): void {
  const allowed = headers.get('access-control-allow-origin')
  if (allowed !== '*' && allowed !== origin) throw refused()
}

/** The browsers' own error. */
const refused = (): TypeError => new TypeError('Failed to fetch')
