import { GATEWAY_KEY } from './requests.ts'

/** The secrets and variables of a deployment. None of them opens anything. */
export function gatewayVariables(upstreamUrl: string): Record<string, string> {
  const upstream = { name: 'bench', provider: 'openai', secret: 'BENCH_KEY', base_url: upstreamUrl, models: ['*'] }
  return {
    ADMIN_TOKEN: 'the-admin-token-of-the-benchmark',
    SIGNING_SECRET: 'the-signing-secret-of-the-benchmark',
    GATEWAY_KEY,
    UPSTREAMS: JSON.stringify([upstream]),
    BENCH_KEY: 'the-upstream-key-of-the-benchmark',
    MAX_BODY_BYTES: String(128 * 1024 * 1024),
    ALLOW_PRIVATE_URLS: 'true',
  }
}
