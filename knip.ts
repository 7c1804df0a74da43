import type { KnipConfig } from 'knip'
import clients from './test/clients/package.json' with { type: 'json' }

/** Packages that the clients need, and no file imports. */
const UNUSED = ['@ai-sdk/provider', '@ai-sdk/provider-utils', '@langchain/core', '@modelcontextprotocol/client']

export default {
  entry: [
    'test/bench/bench-upstream.ts',
    'test/bench/workers/{counting,filling,far/worker,floor/worker}.ts',
    'test/support/worker.ts',
  ],
  project: ['src/**/*.ts!', 'test/**/*.ts', 'scripts/**/*.ts'],
  // `test/clients` has the vendors' clients, which files all over `test` import.
  ignoreDependencies: ['miniflare', ...Object.keys(clients.dependencies).filter((name) => !UNUSED.includes(name))],
} satisfies KnipConfig
