import { app } from './app'

export { Generation } from './generation/generation'

export default { fetch: app.fetch } satisfies ExportedHandler<Env>
