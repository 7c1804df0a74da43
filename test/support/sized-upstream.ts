import { plainPng } from './png.ts'

type Body = Record<string, unknown>

/** An upstream with OpenAI's API that makes each picture in the requested size, or in one of its own. */
export class SizedUpstream {
  readonly bodies: Body[] = []
  /** The size of every picture, in place of the requested one. */
  instead: string | undefined
  /** The answer in place of a PNG. */
  picture: Uint8Array | undefined

  reset(): void {
    this.bodies.length = 0
    this.instead = undefined
    this.picture = undefined
  }

  async handle(request: Request): Promise<Response> {
    const body = await request.json<Body>()
    this.bodies.push(body)
    const size = this.instead ?? String(body['size'])
    const [width = 0, height = 0] = size.split('x').map(Number)
    const n = typeof body['n'] === 'number' ? body['n'] : 1
    const bytes = this.picture ?? (await plainPng(width, height))
    const data = Array.from({ length: n }, () => ({ b64_json: bytes.toBase64() }))
    return Response.json({ created: 0, size, data })
  }
}
