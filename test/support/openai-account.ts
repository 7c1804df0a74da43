import { openaiProvider } from '../../src/providers/openai'
import type { Upstream } from '../../src/providers/provider'

/** OpenAI's own account; others override some of its fields. */
export const OPENAI: Upstream = {
  name: 'openai',
  provider: openaiProvider,
  account: 0,
  credential: 'sk-upstream-secret',
  baseUrl: 'https://api.openai.com/v1',
  models: [],
  priority: 0,
  weight: 1,
  isFallback: false,
  timeoutMs: 60_000,
  prices: new Map(),
}
