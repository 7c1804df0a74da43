import { describe, log } from './log'

/** The wait after failed work, in ms. Objects that fail together, as under a wrong setting, spread over the range. */
const [AGAIN_MS, MAX_AGAIN_MS] = [30_000, 60_000]

const againMs = (): number => Date.now() + AGAIN_MS + Math.random() * (MAX_AGAIN_MS - AGAIN_MS)

/** The work of an alarm: steps that follow each other and do not depend on each other's success. */
type Steps = readonly (() => Promise<void> | void)[]

/**
 * Does the work of an alarm. A failed step sets the alarm again, and the next steps run all the same. An error would
 * count for the platform, which drops an alarm after its sixth (platform §3). Throws only if the storage fails.
 */
export async function ring(
  storage: DurableObjectStorage,
  invocation: AlarmInvocationInfo | undefined,
  steps: Steps,
): Promise<void> {
  // The process of an earlier try has died, perhaps of this work.
  if (invocation?.isRetry) await setAlarmBy(storage, againMs())
  let hasFailed = false
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      hasFailed = true
      log('alarm-failed', describe(error))
    }
  }
  if (hasFailed) await setAlarmBy(storage, againMs())
}

/** Sets the alarm to a moment in ms since 1970, unless it is set to an earlier one. */
async function setAlarmBy(storage: DurableObjectStorage, dueMs: number): Promise<void> {
  if (dueMs < ((await storage.getAlarm()) ?? Infinity)) await storage.setAlarm(dueMs)
}

/**
 * Sets the alarm to the next due time in ms since 1970, if there is one. A due time that cannot be known, as under a
 * wrong setting, is soon.
 */
export async function arm(storage: DurableObjectStorage, dueMs: () => number | undefined): Promise<void> {
  const due = dueOrSoon(dueMs)
  if (due !== undefined) await setAlarmBy(storage, due)
}

/** Sets the alarm of an object with due work, if none is set: the platform may have dropped it. Never throws. */
export async function wake(storage: DurableObjectStorage, dueMs: () => number | undefined): Promise<void> {
  try {
    if ((await storage.getAlarm()) === null) await arm(storage, dueMs)
  } catch (error) {
    log('alarm-not-set', describe(error))
  }
}

function dueOrSoon(dueMs: () => number | undefined): number | undefined {
  try {
    return dueMs()
  } catch (error) {
    log('alarm-not-known', describe(error))
    return againMs()
  }
}
