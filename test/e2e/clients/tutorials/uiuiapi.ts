import { OpenAI } from 'openai'

/** The client of protocols §9.3 (`app/main.py`). It prints the outcome of a prompt and gives back the link or nothing. */
export async function generateImageVar(
  { apiKey, baseUrl, print }: { apiKey: string; baseUrl: string; print: (line: string) => void },
  prompt: string,
  size: '1024x1024' = '1024x1024',
): Promise<string | null> {
  const client = new OpenAI({ apiKey, baseURL: baseUrl })
  print(`🚀 [GPT Image 1.5] 正在解析 Prompt: ${prompt}...`)
  try {
    const startTime = Date.now()
    const response = await client.images.generate({
      model: 'gpt-image-1.5-pro',
      prompt,
      size,
      quality: 'hd',
      n: 1,
      response_format: 'url',
    })
    const duration = (Date.now() - startTime) / 1000
    const imageUrl = response.data?.[0]?.url
    if (imageUrl === undefined) throw new TypeError('data[0].url')
    const estimatedCost = (272 / 1_000_000) * 32
    print(`✅ 生成完成! 耗时: ${duration.toFixed(2)}s`)
    print(`💰 预估成本: $${estimatedCost.toFixed(5)}`)
    print(`🔗 图片链接: ${imageUrl}`)
    return imageUrl
  } catch (error) {
    print(`❌ 生成失败: ${String(error)}`)
    return null
  }
}
