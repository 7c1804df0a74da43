/**
 * The way of each call from the gateway to its objects and stores. `near` adds nothing. `timed` adds a set time.
 * `stepped` counts: a step begins when the gateway waits for calls alone, and then answers all of them.
 */
export type Distance = 'near' | 'timed' | 'stepped'

/** The calls of each step, before the answer to the client and after it. */
export interface Journal {
  before: string[][]
  after: string[][]
}

/** The time to a binding, in ms; the other bindings are near. */
const DISTANT_MS: Record<string, number> = {
  TEAMS: 100,
  ACCOUNTS: 100,
  DIRECTORY: 100,
  GENERATIONS: 20,
  CACHE: 20,
  IMAGES: 30,
}

/** Stores make no calls, so a step waits for their replies. */
const STORES = ['CACHE', 'IMAGES']

/** The turns of the event loop without an event before a step. A busy machine delays turns and events alike. */
const QUIET_TURNS = 20

let distance: Distance = 'near'
let steps: string[][] = []
/** Calls that wait for the next step. */
let held: string[] = []
/** The number of steps before the answer. */
let stepsBefore: number | undefined
/** Calls without a reply, and those among them that a step waits for. */
let [underWay, awaited, events] = [0, 0, 0]

const turn = (ms = 1): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

export const isDistant = (binding: string): boolean => binding in DISTANT_MS

/** Makes a call of a distant binding. Throws the errors of the call. */
export async function reach<T>(binding: string, method: string, call: () => Promise<T>): Promise<T> {
  underWay++
  try {
    if (distance === 'timed') await turn(DISTANT_MS[binding])
    if (distance === 'stepped') await step(`${binding}.${method}`)
    return STORES.includes(binding) ? await stepAwaits(call) : await call()
  } finally {
    underWay--
    events++
  }
}

/** Has the next step wait for some work. Throws the errors of the work. */
export async function stepAwaits<T>(work: () => Promise<T>): Promise<T> {
  if (distance !== 'stepped') return await work()
  awaited++
  try {
    return await work()
  } finally {
    awaited--
    events++
  }
}

/** Waits for the next step. The first call that finds the gateway quiet begins it for all. */
async function step(call: string): Promise<void> {
  held.push(call)
  events++
  const before = steps.length
  await quietTurns(() => steps.length > before)
  if (steps.length === before) steps.push(held.splice(0).toSorted())
}

/** Resolves after enough turns without an event, or as soon as `isOver`. */
async function quietTurns(isOver: () => boolean): Promise<void> {
  for (let [quiet, seen] = [0, events]; quiet < QUIET_TURNS && !isOver(); seen = events) {
    await turn()
    quiet = events === seen && awaited === 0 ? quiet + 1 : 0
  }
}

/** Notes that the client has its whole answer. */
export function noteAnswer(): void {
  stepsBefore = steps.length
}

/** Waits for the end of all calls, sets the distance, and returns the journal of the former one. */
export async function changeDistance(next: Distance): Promise<Journal> {
  do await quietTurns(() => false)
  while (isBusy())
  const journal = { before: steps.slice(0, stepsBefore), after: steps.slice(stepsBefore ?? steps.length) }
  steps = []
  stepsBefore = undefined
  distance = next
  return journal
}

const isBusy = (): boolean => underWay > 0

export const isStepped = (): boolean => distance === 'stepped'
