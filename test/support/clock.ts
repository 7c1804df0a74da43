import { aheadMs } from './ahead'

let isSet = false

/** Sets the clock of the tests, once per isolate. The gateway reads the time by `Date.now` alone. */
export function setClock(): void {
  if (aheadMs === 0 || isSet) return
  isSet = true
  const now = Date.now.bind(Date)
  Date.now = () => now() + aheadMs
}

/** Has the alarm of an object ring by the clock of the tests; the platform rings it by its own. */
export function shiftAlarm(storage: DurableObjectStorage): void {
  if (aheadMs === 0) return
  const getAlarm = storage.getAlarm.bind(storage)
  const setAlarm = storage.setAlarm.bind(storage)
  storage.setAlarm = async (time, options) => await setAlarm(Number(time) - aheadMs, options)
  storage.getAlarm = async (options) => {
    const time = await getAlarm(options)
    return time === null ? null : time + aheadMs
  }
}

let isShifted = false

/** Has the uploads of a bucket happen by the clock of the tests, once per isolate. */
export function shiftUploads(bucket: R2Bucket): void {
  if (aheadMs === 0 || isShifted) return
  isShifted = true
  const list = bucket.list.bind(bucket)
  bucket.list = async (options) => {
    const listed = await list(options)
    return { ...listed, objects: listed.objects.map(shifted) }
  }
}

const shifted = (object: R2Object): R2Object =>
  new Proxy(object, {
    get: (target, name) =>
      name === 'uploaded' ? new Date(target.uploaded.getTime() + aheadMs) : Reflect.get(target, name),
  })
