import { vi } from 'vitest'

type Host = (request: Request) => Promise<Response> | Response

/**
 * The internet of a test: host names with their servers. A request to another host fails, as for a host that does not
 * exist. A request aborted by its caller fails too.
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
