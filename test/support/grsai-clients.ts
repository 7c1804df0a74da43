/*
 * The three clients of protocols §9.2, line by line, with the fields that they read and no others. `tell` stands for
 * their `print`.
 */

type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** The constants of the article. */
export interface Settings {
  fetch: Fetch
  /** Without a slash at its end. */
  baseUrl: string
  apiKey: string
  tell: (line: string) => void
}

/** A frame of the stream, as far as the client knows it. */
export interface Frame {
  id?: string
  progress?: number
  status?: string
  url?: string
  width?: number
  height?: number
  failure_reason?: string
}

interface Submitted {
  data: { id: string }
}

interface Polled {
  code: number
  data: { status: string; results: { url: string }[] }
}

const post = ({ fetch, baseUrl, apiKey }: Settings, path: string, body: unknown): Promise<Response> =>
  fetch(baseUrl + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey}` },
    body: JSON.stringify(body),
  })

/** Example 1: reads the stream to its last frame, and only then looks at the status. */
export async function generateImageSimple(settings: Settings, prompt: string, more = {}): Promise<Frame | undefined> {
  const { tell } = settings
  const data = { model: 'sora-image', prompt, size: '1:1', variants: 1, ...more }
  const response = await post(settings, '/v1/draw/completions', data)
  for await (const line of linesOf(response)) {
    if (!line) continue
    if (!line.startsWith('data: ')) continue
    const result: Frame = JSON.parse(line.slice(6))
    if ('progress' in result) tell(`${result.progress}%`)
    if (result.progress === 100) {
      if (result.status === 'succeeded') {
        tell(`${result.url} ${result.width}x${result.height}`)
        return result
      }
      tell(`failed: ${result.failure_reason}`)
      return undefined
    }
  }
  return undefined
}

/** Example 2: names a webhook, and ignores the answer. */
export async function submitWithWebhook(settings: Settings, prompt: string, webHook: string): Promise<void> {
  const response = await post(settings, '/v1/draw/completions', { model: 'sora-image', prompt, webHook })
  await response.text()
  settings.tell('submitted')
}

/** Example 3: requests the id, and then polls the task until its success, without a limit. */
export async function pollUntilSucceeded(settings: Settings, prompt: string, intervalMs = 5000): Promise<string[]> {
  const { tell } = settings
  const payload = { model: 'sora-image', prompt, webHook: '-1' }
  const submitted: Submitted = JSON.parse(await (await post(settings, '/v1/draw/completions', payload)).text())
  const taskId = submitted.data.id
  tell(`task ${taskId}`)
  for (;;) {
    const result: Polled = JSON.parse(await (await post(settings, '/v1/draw/result', { id: taskId })).text())
    if (result.code === 0) {
      const { data } = result
      tell(data.status)
      if (data.status === 'succeeded') return data.results.map(({ url }) => url)
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs))
  }
}

/** The lines of a body as it arrives, as `iter_lines` of Python's requests yields them. */
async function* linesOf({ body }: Response): AsyncGenerator<string> {
  if (!body) return
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest) yield rest
}
