/*
 * Every upstream API that is spoken: whoever adds one adds its file, and its line here.
 */

export { ark } from './ark'
export { azureOpenai } from './azure-openai'
export { blackForestLabs } from './black-forest-labs'
export { demo } from './demo'
export { fal } from './fal'
export { fireworks } from './fireworks'
export { gemini } from './gemini'
export { grsai } from './grsai'
export { ideogram } from './ideogram'
export { midjourneyProxy } from './midjourney-proxy'
export { openai } from './openai'
export { openaiChat } from './openai-chat'
export { openrouter } from './openrouter'
export { recraft } from './recraft'
export { replicate } from './replicate'
export { stability } from './stability'
export { together } from './together'
export { workersAi } from './workers-ai'
export { xai } from './xai'
