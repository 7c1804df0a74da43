import { type Asked, type FarGateway, MODEL_OF_THREE, picturesOf } from './far-gateway.ts'

/** A request of a client, in the situation that decides on its calls. */
interface Scene {
  /** The longest time of the request in ms, at the set distance and with an upstream that takes no time. */
  goalMs: number
  /** Brings the situation about, nearby, and returns the request. */
  prepare: (gateway: FarGateway) => Promise<Asked>
  /** Ends the situation. */
  end?: (gateway: FarGateway, prepared: Asked) => Promise<unknown>
}

/** The scenes by name. Stored pictures were made before this isolate began. */
export const SCENES: Record<string, Scene> = {
  'url hit, warm key': {
    goalMs: 40,
    prepare: async (gateway) => {
      await warm(gateway)
      return picturesOf(gateway.key, gateway.storedPrompt(), 'HIT')
    },
  },
  'url hit, hot picture': {
    goalMs: 15,
    prepare: async (gateway) => {
      const asked = picturesOf(gateway.key, gateway.storedPrompt(), 'HIT')
      await gateway.ask(asked)
      return asked
    },
  },
  'url hit, cold isolate': {
    goalMs: 145,
    prepare: async (gateway) => picturesOf(gateway.coldKey(), gateway.storedPrompt(), 'HIT'),
  },
  'b64_json hit': {
    goalMs: 100,
    prepare: async (gateway) => {
      await warm(gateway)
      return picturesOf(gateway.key, gateway.storedPrompt(), 'HIT', { response_format: 'b64_json' })
    },
  },
  'url miss': { goalMs: 240, prepare: (gateway) => miss(gateway) },
  'b64_json miss': { goalMs: 270, prepare: (gateway) => miss(gateway, { response_format: 'b64_json' }) },
  'url miss, three upstreams': { goalMs: 240, prepare: (gateway) => miss(gateway, { model: MODEL_OF_THREE }) },
  'streamed miss': {
    goalMs: 335,
    prepare: async (gateway) => {
      const streamed = { response_format: 'b64_json', stream: true, partial_images: 1 }
      return { ...(await miss(gateway, streamed)), expected: { status: 200 } }
    },
  },
  'url join': {
    goalMs: 240,
    prepare: async (gateway) => ({
      ...(await miss(gateway)),
      headers: { 'x-joined': 'true' },
      expected: { status: 200, cache: 'JOINED' },
    }),
  },
  'job submission': {
    goalMs: 165,
    prepare: async (gateway) => {
      await miss(gateway)
      return job(gateway, gateway.newPrompt())
    },
  },
  'status of a finished job': {
    goalMs: 145,
    prepare: async (gateway) => {
      const asked = await statusOfJob(gateway, gateway.newPrompt())
      while ((await statusIn(gateway, asked)) !== 'succeeded');
      return asked
    },
  },
  'status of a running job': {
    goalMs: 145,
    prepare: (gateway) => statusOfJob(gateway, `${gateway.newPrompt()} @delay_ms=${RUNNING_MS}`),
    end: (gateway, asked) => gateway.ask({ ...asked, path: `${asked.path}/cancel`, body: {} }),
  },
  models: { goalMs: 125, prepare: (gateway) => read(gateway, 'v1/models') },
  usage: { goalMs: 125, prepare: (gateway) => read(gateway, 'v1/usage') },
  generations: { goalMs: 125, prepare: (gateway) => read(gateway, 'v1/generations') },
}

/** Longer than the rest of its scene. */
const RUNNING_MS = 60_000

/** The number of scenes that use up a stored picture. */
const PICTURES_PER_ROUND = 4

/** The pictures and keys for so many rounds of all scenes. */
export const needs = (rounds: number): { pictures: number; coldKeys: number } => ({
  pictures: PICTURES_PER_ROUND * rounds,
  coldKeys: rounds,
})

/** Asks with the key of the gateway for another picture. */
const warm = (gateway: FarGateway): Promise<unknown> =>
  gateway.ask({ ...picturesOf(gateway.key, 'for warm keys @bytes=1024', 'HIT'), expected: { status: 200 } })

/** Asks for a new picture after another one, which shows the health of the account. */
async function miss(gateway: FarGateway, given: Record<string, unknown> = {}): Promise<Asked> {
  await gateway.ask(picturesOf(gateway.key, gateway.newPrompt(), 'MISS'))
  return picturesOf(gateway.key, gateway.newPrompt(), 'MISS', given)
}

const job = (gateway: FarGateway, prompt: string): Asked => ({
  ...picturesOf(gateway.key, prompt, 'MISS'),
  headers: { prefer: 'respond-async' },
  expected: { status: 202 },
})

/** Submits a job, and returns the request for its status. */
async function statusOfJob(gateway: FarGateway, prompt: string): Promise<Asked> {
  const { text } = await gateway.ask(job(gateway, prompt))
  const { id }: { id: string } = JSON.parse(text)
  return await read(gateway, `v1/generations/${id}`)
}

async function statusIn(gateway: FarGateway, asked: Asked): Promise<string> {
  const { status }: { status: string } = JSON.parse((await gateway.ask(asked)).text)
  return status
}

async function read(gateway: FarGateway, path: string): Promise<Asked> {
  await warm(gateway)
  return { path, key: gateway.key, expected: { status: 200 } }
}
