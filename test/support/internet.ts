import { vi } from 'vitest'

type Host = (request: Request) => Promise<Response> | Response

/**
 * The internet, as far as a test knows it: a host name and who answers there. A request to any other host fails, as it
 * would where there is no such host; so does one whose caller has given up.
 */
export function internet(hosts: Record<string, { handle: Host }>): void {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init)
    const host = hosts[new URL(request.url).hostname]
    if (!host) throw new TypeError(`there is no host for ${request.url}`)
    return await Promise.race([host.handle(request), givenUp(request.signal)])
  })
}

function givenUp(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new DOMException('The operation was aborted', 'AbortError')))
  })
}
