import * as z from 'zod'
import { readEntry } from '../runtime/stored'
import { type Profile, type ProfileFields, profileSchema } from './profile'

/** The entry of the secret's version. It survives a deletion, so that a later team of the same id has other secrets. */
export const WEBHOOK_SECRET = 'webhook-secret'

/** Storage entries that survive the deletion of a team. */
const SURVIVING_ENTRIES = ['era', WEBHOOK_SECRET]

/** Whether the team exists, its profile, and the state that survives deletion. */
export class TeamLifecycle {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  get profile(): Profile | undefined {
    return readEntry(this.#storage.kv, 'profile', profileSchema)
  }

  set profile(profile: Profile) {
    this.#storage.kv.put('profile', profile)
  }

  /** Changes fields of the profile; undefined without a team. */
  change(change: Partial<ProfileFields>): Profile | undefined {
    const { profile } = this
    if (profile) this.profile = { ...profile, ...change }
    return this.profile
  }

  /** The number of deleted teams of this id. */
  get incarnation(): number {
    return readEntry(this.#storage.kv, 'era', z.number()) ?? 0
  }

  /** Whether images, files and tables of the last deleted team remain. */
  get isPurging(): boolean {
    return this.#storage.kv.get('emptying') !== undefined
  }

  /** The id of the deleted team while it remains; undefined for one of an earlier version, which has no files. */
  get purgedId(): string | undefined {
    return readEntry(this.#storage.kv, 'emptying', z.string().optional().catch(undefined))
  }

  /** Deletes the profile. Images, files and tables are left for the alarm to remove. */
  markDeleted({ id }: Pick<Profile, 'id'>): void {
    this.#storage.kv.delete('profile')
    this.#storage.kv.put('era', this.incarnation + 1)
    this.#storage.kv.put('emptying', id)
  }

  /** Deletes the storage except for the surviving entries. */
  async clearStorage(): Promise<void> {
    const surviving = SURVIVING_ENTRIES.map((name): [string, unknown] => [name, this.#storage.kv.get(name)])
    const cleared = this.#storage.deleteAll()
    // Written before the await: no other call may create the team in between.
    for (const [name, value] of surviving) if (value !== undefined) this.#storage.kv.put(name, value)
    await cleared
  }
}
