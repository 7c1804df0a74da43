import { OpenAI } from 'openai'

/** The parameters that the tutorial of protocols §9.2 shows for OpenAI's own API. */
export const SHOWN = {
  model: 'gpt-image-1.5',
  prompt: '一只可爱的猫咪在草地上玩耍,高清写实风格',
  n: 1,
  size: '1024x1024',
  quality: 'high',
  style: 'vivid',
} as const

/** The client of protocols §9.2 for OpenAI's own API; it gives back the link that it prints. */
export async function imageUrlOf(client: OpenAI, prompt: string): Promise<string | undefined> {
  const response = await client.images.generate({ model: 'gpt-image-1.5', prompt, size: '1024x1024', n: 1 })
  return response.data?.[0]?.url
}
