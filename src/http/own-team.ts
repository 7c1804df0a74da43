import type { Context } from 'hono'
import type { App } from '../context'
import { type Caller, identifyCaller, sentKey } from '../credentials/caller'
import { type Result, unwrap } from '../failures/errors'
import type { SentKey } from '../team/admissions'
import { askTeam } from '../team/ask-team'
import type { Team } from '../team/team'

/**
 * The team of a request that starts nothing, by a key of any wire format. A job's client asks with the key of its first
 * request. The request is not counted as one.
 */
export class OwnTeam {
  readonly #env: Env
  readonly #caller: Caller
  readonly #sent: SentKey

  private constructor(c: Context<App>, listsPerMinute?: number) {
    this.#env = c.env
    this.#caller = identifyCaller(sentKey(c.req), c.get('config'))
    const { keyHash: hash } = this.#caller
    this.#sent = listsPerMinute === undefined ? { hash } : { hash, listsPerMinute }
  }

  /** The team of a request. Throws GatewayError for an absent or a forged key. */
  static of(c: Context<App>): OwnTeam {
    return new OwnTeam(c)
  }

  /** The team of a request for a list or a report, which `LISTS_PER_MINUTE` limits. Throws GatewayError as `of` does. */
  static forList(c: Context<App>): OwnTeam {
    return new OwnTeam(c, c.get('config').listsPerMinute)
  }

  /** The claimed sender. Its key may be revoked before the first answer of the team. */
  get caller(): Caller {
    return this.#caller
  }

  /**
   * Asks the team by a method that checks the key in the same call. Throws GatewayError for a key that is not valid, for
   * too many lists, and for the failure of the method.
   */
  async ask<T>(ask: (team: DurableObjectStub<Team>, sent: SentKey) => Promise<Result<T>>): Promise<T> {
    return unwrap(await askTeam(this.#env, this.#caller.team, async (team) => await ask(team, this.#sent)))
  }

  /** Reads a part of the request before the first call. Its refusal follows the check of the key, which throws first. */
  async read<T>(part: () => Promise<T> | T): Promise<T> {
    try {
      return await part()
    } catch (error) {
      await this.ask(async (team, sent) => await team.keyAs(sent))
      throw error
    }
  }
}
