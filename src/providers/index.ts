import { demo } from './demo'
import { openai } from './openai'
import type { Provider } from './provider'

/** Every upstream API that is spoken, by the name that settings call it. */
export const PROVIDERS: readonly Provider[] = [openai, demo]
