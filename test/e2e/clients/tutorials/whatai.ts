/** The client of protocols §9.1. It prints its answer; `origin` replaces the tutorial's domain. */
export async function printed(
  origin: string,
  apiKey: string,
  content: string,
): Promise<{ status: number; data: string }> {
  const payload = JSON.stringify({
    model: 'gpt-image-1.5',
    messages: [{ role: 'user', content }],
    stream: false,
  })
  const headers = {
    Accept: 'application/json',
    Authorization: `Bearer ${apiKey}`,
    'Content-Type': 'application/json',
  }
  const res = await fetch(`${origin}/v1/chat/completions`, { method: 'POST', headers, body: payload })
  return { status: res.status, data: await res.text() }
}
