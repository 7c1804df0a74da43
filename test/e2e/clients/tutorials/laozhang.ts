/** The parameters that the client of protocols §9.4 sends besides the prompt. */
export interface Parameters {
  size?: string
  quality?: 'low' | 'medium' | 'high'
  effort?: 'low' | 'medium' | 'high'
  format?: 'png' | 'jpeg'
  transparency?: boolean
  compression?: number
  image?: string
  n?: number
  user?: string
}

/** The client of protocols §9.4 with its own words for failures; `secondMs` is its length of a second in ms. */
export class GPTImageClient {
  readonly printed: string[] = []
  readonly #apiKey: string
  readonly #url: string
  readonly #secondMs: number
  readonly #maxRetries: number

  constructor(apiKey: string, url: string, secondMs: number, maxRetries = 3) {
    this.#apiKey = apiKey
    this.#url = url
    this.#secondMs = secondMs
    this.#maxRetries = maxRetries
  }

  async generateWithRetry(prompt: string, parameters: Parameters = {}): Promise<string> {
    let lastError: unknown
    for (let attempt = 0; attempt < this.#maxRetries; attempt++) {
      try {
        return await this.#generate(prompt, parameters)
      } catch (error) {
        lastError = error
        const waitTime = 2 ** attempt
        this.printed.push(`尝试 ${attempt + 1} 失败: ${messageOf(error)}`)
        if (attempt < this.#maxRetries - 1) {
          this.printed.push(`等待 ${waitTime} 秒后重试...`)
          await new Promise((resolve) => setTimeout(resolve, waitTime * this.#secondMs))
        }
      }
    }
    throw new Error(`生成失败,已重试 ${this.#maxRetries} 次: ${messageOf(lastError)}`)
  }

  async #generate(prompt: string, parameters: Parameters): Promise<string> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.#apiKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-image-1', prompt, ...parameters }),
    })
    const text = await response.text()
    if (response.status === 200) return JSON.parse(text)['data'][0]['url']
    if (response.status === 401) throw new Error('API密钥无效')
    if (response.status === 429) throw new Error('请求频率超限')
    if (response.status === 400) throw new Error(`请求参数错误: ${JSON.parse(text).error?.message}`)
    throw new Error(`未知错误: ${response.status} - ${text}`)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The sizes of its pictures for social media. */
export const PLATFORM_SIZES = {
  instagram_post: '1080x1080',
  instagram_story: '1080x1920',
  facebook_post: '1200x630',
  twitter_post: '1200x675',
  linkedin_post: '1200x627',
} as const

/** Makes a picture for each platform, as its batch does. */
export async function generateSocialMediaBatch(
  client: GPTImageClient,
  campaignTheme: string,
): Promise<Record<string, string>> {
  const results: Record<string, string> = {}
  for (const [platform, size] of Object.entries(PLATFORM_SIZES)) {
    const prompt = `
Create a ${platform.replaceAll('_', ' ')} graphic:
- Theme: ${campaignTheme}
- Optimized for ${platform}
- Eye-catching and engaging
- Include space for text overlay
- Brand-appropriate design
`
    results[platform] = await client.generateWithRetry(prompt, { size, quality: 'medium' })
  }
  return results
}
