import * as gateway from '../../src'
import { started } from './objects'
import { environment } from './settings'

/** The gateway and its objects, with the settings of the test file that runs. */
export default {
  fetch: (request, _, ctx) => gateway.default.fetch(request, environment(), ctx),
} satisfies ExportedHandler<Env>

export class Generation extends gateway.Generation {
  constructor(ctx: DurableObjectState) {
    started('GENERATIONS', ctx)
    super(ctx, environment())
  }
}

export class Directory extends gateway.Directory {
  constructor(ctx: DurableObjectState) {
    started('DIRECTORY', ctx)
    super(ctx, environment())
  }
}

export class Team extends gateway.Team {
  constructor(ctx: DurableObjectState) {
    started('TEAMS', ctx)
    super(ctx, environment())
  }
}

export class Account extends gateway.Account {
  constructor(ctx: DurableObjectState) {
    started('ACCOUNTS', ctx)
    super(ctx, environment())
  }
}
