import { generate } from './accounting'
import { postForm } from './gateway'
import { pictureFile } from './pictures'

/** Sends one request with the given key. */
export type Ask = (key: string) => Promise<Response>

const REFUSALS = ['401', '403', '422', '429', '500', '503', 'quota', 'moderation', 'leak', 'error-inside']
const SPOILT = ['html', 'cut', 'bad-base64', 'not-an-image', 'empty']

/** Accounts for answers that spoil an account, by the gateway's name of each one's model, at the usual prices. */
export const FAULTY_UPSTREAMS = [...REFUSALS, ...SPOILT].map((fault) => ({
  name: `faulty-${fault}`,
  provider: 'openai',
  secret: 'UPSTREAM_KEY',
  models: [`faulty-${fault}=gpt-image-2`],
  prices: { [`faulty-${fault}`]: { text_in: 5, image_in: 8, image_out: 30 } },
}))

const spoilt = (prompt: string, fault: string, key: string): Promise<Response> =>
  generate(key, prompt, { model: `faulty-${fault}` })

const times = (count: number, ask: (index: number) => Ask): Ask[] =>
  Array.from({ length: count }, (_, index) => ask(index))

/** 80 requests with an immediate answer. */
export const quick = (round: number): Ask[] => [
  ...times(12, (index) => (key) => generate(key, `A cat ${round} ${index}`)),
  ...times(24, (index) => (key) => generate(key, `A cat ${Math.max(0, round - 1)} ${index % 12}`)),
  ...times(6, (index) => (key) => generate(key, `Two cats ${round} ${index}`, { n: 2 })),
  ...times(6, (index) => (key) => generate(key, `Three cats ${round} ${index} @pictures=2`, { n: 3 })),
  ...['auto', 'medium', 'high'].map((quality) => (key: string) => generate(key, `A dog ${round}`, { quality })),
  ...times(2, (index) => (key) => edit(key, `A bird ${round} ${index}`)),
  ...times(4, () => (key) => generate(key, 'A cat 0 0', {}, { headers: { 'cache-control': 'no-store' } })),
  ...times(2, (index) => (key) => generate(key, `A cat 0 ${index}`, {}, { headers: { 'cache-control': 'no-cache' } })),
  ...[...REFUSALS, ...SPOILT].map((fault) => (key: string) => spoilt(`A cow ${round} @fault=${fault}`, fault, key)),
  ...['cut', 'bad-base64', 'not-an-image'].map(
    (fault) => (key: string) => spoilt(`A cow ${round} @once=${fault}`, fault, key),
  ),
  ...times(2, (index) => (key) => generate(key, `A fox ${round} ${index}`, { model: 'relay-1' })),
  (key) => generate(key, `A hen ${round}`, { size: '1x1' }),
]

async function edit(key: string, prompt: string): Promise<Response> {
  const parts: [string, string | File][] = [
    ['model', 'gpt-image-2'],
    ['prompt', prompt],
    ['image', await pictureFile(prompt)],
  ]
  return await postForm('/v1/images/edits', parts, { authorization: `Bearer ${key}` })
}

/** 19 requests that the upstream holds: 9 runs and 10 requests to join them; two hang up. */
export const slow = (round: number, hangUp: AbortSignal): Ask[] => [
  ...times(15, (index) => (key) => generate(key, `A slow cat ${round} ${index % 5}`)),
  ...times(2, () => (key) => generate(key, `A slow dog ${round}`, {}, { headers: { 'cache-control': 'no-store' } })),
  ...times(2, (index) => (key) => generate(key, `A gone cat ${round} ${index}`, {}, { signal: hangUp })),
]
export const RUNS_OF_SLOW = 9
