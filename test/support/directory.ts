import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { Directory } from '../../src/team/directory'

/** The one directory. */
export const directory = (): DurableObjectStub<Directory> => env.DIRECTORY.getByName('directory')

/** Rings the alarm of the directory; returns whether it was set. */
export const ringDirectory = (): Promise<boolean> => runDurableObjectAlarm(directory())

/** Works on the storage of the directory. */
export const inDirectory = <T>(work: (storage: DurableObjectStorage) => T): Promise<T> =>
  runInDurableObject(directory(), (_, { storage }) => work(storage))
