/*
 * Every upstream API that is spoken: whoever adds one adds its file, and its line here.
 */

export { arkProvider } from './ark'
export { azureOpenaiProvider } from './azure-openai'
export { blackForestLabsProvider } from './black-forest-labs'
export { demoProvider } from './demo'
export { falProvider } from './fal'
export { fireworksProvider } from './fireworks'
export { geminiProvider } from './gemini'
export { grsaiProvider } from './grsai'
export { ideogramProvider } from './ideogram'
export { midjourneyProxyProvider } from './midjourney-proxy'
export { openaiProvider } from './openai'
export { openaiChatProvider } from './openai-chat'
export { openrouterProvider } from './openrouter'
export { recraftProvider } from './recraft'
export { replicateProvider } from './replicate'
export { stabilityProvider } from './stability'
export { togetherProvider } from './together'
export { workersAiProvider } from './workers-ai'
export { xaiProvider } from './xai'
