import type { Config } from './config'

/** What every handler of the app finds in its context. */
export interface App {
  Bindings: Env
  Variables: { requestId: string; config: Config }
}
