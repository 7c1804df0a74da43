import * as all from './all'
import type { Provider } from './provider'

/** Every upstream API that is spoken, by the name that settings call it. */
export const PROVIDERS: readonly Provider[] = Object.values(all)
