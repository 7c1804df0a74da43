import { cloudflareTest } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'
import { storagePlace } from './test/miniflare/temporary-directory.ts'

/** Upstreams as a deployment could have them; `test/support/internet.ts` plays their hosts. */
const UPSTREAMS = [
  // An exact name is served beyond its shutdown.
  { name: 'openai', provider: 'openai', secret: 'UPSTREAM_KEY', models: ['gpt-image-*', 'gpt-image-1.5'] },
  {
    name: 'relay',
    provider: 'openai',
    secret: 'RELAY_KEY',
    base_url: 'https://relay.example.com/v1/',
    models: ['relay-*'],
  },
  {
    name: 'impatient',
    provider: 'openai',
    secret: 'RELAY_KEY',
    base_url: 'https://relay.example.com/v1',
    models: ['impatient=relay-1'],
    // Enough for one image on a busy machine.
    timeout_seconds: 2,
  },
  {
    name: 'first',
    provider: 'openai',
    secret: 'FIRST_KEY',
    base_url: 'https://first.example.com/v1',
    models: ['pair=relay-1'],
  },
  {
    name: 'second',
    provider: 'openai',
    secret: 'TWO_KEYS',
    base_url: 'https://second.example.com/v1',
    models: ['pair=relay-2'],
    priority: 1,
  },
  {
    name: 'slow',
    provider: 'openai',
    secret: 'FIRST_KEY',
    base_url: 'https://first.example.com/v1',
    models: ['slow=relay-1'],
    timeout_seconds: 0.3,
  },
  {
    name: 'slower',
    provider: 'openai',
    secret: 'TWO_KEYS',
    base_url: 'https://second.example.com/v1',
    models: ['slow=relay-1'],
    timeout_seconds: 0.3,
  },
]

/** Models that exist by settings alone. */
const MODELS = {
  'house-art': { like: 'gpt-image-2', sizes: ['1024x1024', '2048x2048'], qualities: ['standard', 'hd'] },
  'any-art': { sizes: 'any', formats: ['webp'] },
  'demo-art': { like: 'gpt-image-1.5' },
}

/** Tests of plain functions, which run in Node as well. Others run in workerd. */
const UNIT = [
  'test/admin/csv.test.ts',
  'test/catalog/*.test.ts',
  'test/delivery/{webhook,webhook-signature,webhook-url}.test.ts',
  'test/dialects/gemini-shape.test.ts',
  'test/generation/life/*.test.ts',
  'test/image/{input-kind,markdown-images,media-type,private-urls,request,source}.test.ts',
  'test/docs/*.test.ts',
  'test/ledger/{gathered-sums,latency}.test.ts',
  'test/lint/*.test.ts',
  'test/{hops,public-url,redacted}.test.ts',
  'test/runtime/*.test.ts',
  'test/providers/answer-classes.test.ts',
  'test/failures/*.test.ts',
  'test/providers/relay-task.test.ts',
  'test/store/hot-records.test.ts',
  'test/streams/{json,json-refusals,multipart-refusals,server-events,spliced}.test.ts',
  'test/team/{lease-limits,shards,meter,order-properties,orders,profile,verdict-sender}.test.ts',
  'test/text/top-level.test.ts',
  'test/upstreams/{choose,health,health-sources,image-models,known-health,latency,next-step,pace,route-failure,slot-waits,wait-queue,workers-ai}.test.ts',
]

/** Bundled for workerd: the package has hundreds of files. The path is read from `node_modules`. */
const OPENROUTER = ['@openrouter/sdk', '@openrouter/sdk/models/errors'].map((path) => `../test/clients > ${path}`)

// A file system in memory, if there is one. On a disk, half of the time of a run goes to its writes.
process.env['TMPDIR'] ??= await storagePlace()

/** The moment at which the clock of the tests starts, such as 2027-01-31T23:35Z; the machine's own by default. */
const clock = process.env['CLOCK']

/** The number of requests of the fuzzer. */
const fuzzed = Number(process.env['FUZZ'] ?? (process.env['FULL'] === '1' ? 20_000 : 300))
/** Its seed, which reproduces a run. The short run of the fast suite is always the same. */
const fuzzSeed = Number(process.env['SEED'] ?? (fuzzed > 1000 ? Math.floor(Math.random() * 2 ** 31) : 1))

export default defineConfig({
  test: {
    silent: 'passed-only',
    // Read by test/support/full.ts, also where there is no process: in workerd.
    provide: {
      full: process.env['FULL'] === '1',
      fuzz: { seed: fuzzSeed, count: fuzzed },
      aheadMs: clock ? Date.parse(clock) - Date.now() : 0,
    },
    projects: [
      {
        plugins: [
          cloudflareTest({
            main: './test/support/worker.ts',
            wrangler: { configPath: './wrangler.toml' },
            remoteBindings: false,
            miniflare: {
              bindings: {
                ADMIN_TOKEN: 'admin-token-of-the-tests',
                SIGNING_SECRET: 'signing-secret-of-the-tests-32-characters',
                GATEWAY_KEY: 'sk-dr-default-tests',
                UPSTREAMS: JSON.stringify(UPSTREAMS),
                UPSTREAM_KEY: 'sk-upstream-secret',
                RELAY_KEY: 'sk-relay-secret',
                FIRST_KEY: 'sk-first-secret',
                TWO_KEYS: 'sk-second-secret, sk-third-secret',
                DEMO_UPSTREAM: true,
                MODELS,
                MODEL_ALIASES: { 'house-style': 'gpt-image-2' },
                MAX_BODY_BYTES: 8_000_000,
                IMAGE_RETENTION_DAYS: 30,
                QUEUE_WAIT_SECONDS: 0,
              },
            },
          }),
        ],
        test: {
          name: 'worker',
          // Files of a worker share its isolate and its objects: test/support/each-file.ts.
          isolate: false,
          // Tests wait more than they work.
          maxWorkers: 3,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          setupFiles: ['test/support/each-file.ts'],
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', '**/node_modules/**', ...UNIT],
          deps: { optimizer: { ssr: { enabled: true, include: OPENROUTER } } },
        },
      },
      {
        test: {
          name: 'unit',
          isolate: false,
          // As many as `worker` has: vitest runs both projects at once.
          maxWorkers: 3,
          testTimeout: 300_000,
          setupFiles: ['test/support/each-unit-file.ts'],
          include: UNIT,
        },
      },
      {
        test: {
          name: 'server',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/support/global-setup.ts'],
          setupFiles: ['test/e2e/support/each-server-file.ts'],
          // Files that run in one process share its servers, and wait more than they work.
          isolate: false,
          maxWorkers: 6,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
