import { app } from './app'

export { Generation } from './generation/generation'
export { Directory } from './team/directory'
export { Team } from './team/team'
export { Account } from './upstreams/account'

export default { fetch: app.fetch } satisfies ExportedHandler<Env>
