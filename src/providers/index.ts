import * as all from './all'
import type { Provider } from './provider'

/** All providers. Settings refer to them by `id`. */
export const PROVIDERS: readonly Provider[] = Object.values(all)
