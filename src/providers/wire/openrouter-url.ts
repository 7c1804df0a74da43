/** OpenRouter's base URL. */
export const OPENROUTER_URL = 'https://openrouter.ai/api/v1'

/** Whether a base URL leads to OpenRouter. */
export const isOpenrouter = (baseUrl: string): boolean => new URL(baseUrl).hostname === new URL(OPENROUTER_URL).hostname

const MAKERS = [
  { maker: 'openai', models: /^(?:gpt|chatgpt)-/ },
  { maker: 'google', models: /^gemini-/ },
]

/** OpenRouter's name of a model, with its maker in front, as in `openai/gpt-image-2`. */
export function openrouterName(model: string): string {
  const maker = model.includes('/') ? undefined : MAKERS.find(({ models }) => models.test(model))?.maker
  return maker ? `${maker}/${model}` : model
}
