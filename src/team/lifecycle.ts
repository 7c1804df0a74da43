import type { Profile } from './profile'

/** Versions go on after the end of a team: whoever knew its secrets knows none of the next team of its id. */
export const WEBHOOK_SECRET = 'webhook-secret'

/** What outlives a team. */
const SURVIVING_ENTRIES = ['era', WEBHOOK_SECRET]

/** That there is a team: what it is, and what is left of earlier ones of its id. */
export class TeamLifecycle {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  get profile(): Profile | undefined {
    return this.#storage.kv.get<Profile>('profile')
  }

  set profile(profile: Profile) {
    this.#storage.kv.put('profile', profile)
  }

  /** How many teams of this id were deleted. */
  get incarnation(): number {
    return this.#storage.kv.get<number>('era') ?? 0
  }

  /** Whether the last one that was deleted still has pictures and books. */
  get isPurging(): boolean {
    return this.#storage.kv.get('emptying') === true
  }

  /** Ends the team; its pictures and books are to be removed. */
  markDeleted(): void {
    this.#storage.kv.delete('profile')
    this.#storage.kv.put('era', this.incarnation + 1)
    this.#storage.kv.put('emptying', true)
  }

  /** Removes its books. */
  async clearStorage(): Promise<void> {
    const lasting = SURVIVING_ENTRIES.map((name): [string, unknown] => [name, this.#storage.kv.get(name)])
    const cleared = this.#storage.deleteAll()
    // Before anything else can come in between and begin the team anew.
    for (const [name, value] of lasting) if (value !== undefined) this.#storage.kv.put(name, value)
    await cleared
  }
}
