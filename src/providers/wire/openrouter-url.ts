/** OpenRouter's base URL. */
export const OPENROUTER_URL = 'https://openrouter.ai/api/v1'

/** Whether a base URL leads to OpenRouter. */
export const isOpenrouter = (baseUrl: string): boolean => new URL(baseUrl).hostname === new URL(OPENROUTER_URL).hostname
