/* Starts the gateway on this machine, with its own random secrets and a ready key. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseEnv } from 'node:util'

const SECRETS = '.dev.vars'

if (!existsSync(SECRETS)) writeFileSync(SECRETS, freshSecrets(), { mode: 0o600 })
const key = parseEnv(readFileSync(SECRETS, 'utf8'))['GATEWAY_KEY'] ?? 'YOUR_KEY'

// A leading number is the port. wrangler gets the other options.
const [first = '', ...rest] = process.argv.slice(2)
const given = /^\d+$/.test(first) ? ['--port', first, ...rest] : process.argv.slice(2)
// Without `--test-scheduled`, wrangler warns that it runs no cron trigger.
const options = ['--show-interactive-dev-session=false', '--test-scheduled', ...withPort(given)]
const wrangler = spawn('wrangler', ['dev', ...options], {
  stdio: ['ignore', 'pipe', 'inherit'],
  // The Worker does not read `Request.cf`. wrangler would fetch it from the internet, and warn when offline.
  env: { CLOUDFLARE_CF_FETCH_ENABLED: 'false', ...process.env },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => wrangler.kill(signal))

/** Wrangler's lines before it is ready, shown only if it never is. Its errors go to stderr at once. */
const banner: string[] = []
let isReady = false

wrangler.on('close', (code) => {
  if (!isReady) console.log(banner.join('\n'))
  process.exit(code ?? 1)
})

for await (const line of createInterface({ input: wrangler.stdout })) {
  const url = /Ready on (https?:\/\/\S+)/.exec(line)?.[1]
  if (isReady) console.log(line)
  else if (url === undefined) banner.push(line)
  else {
    isReady = true
    console.log(welcome(url))
  }
}

function freshSecrets(): string {
  const secret = (): string => randomBytes(32).toString('base64url')
  return [
    `ADMIN_TOKEN=${secret()}`,
    `SIGNING_SECRET=${secret()}`,
    `GATEWAY_KEY=sk-dr-default-${randomBytes(24).toString('hex')}`,
    'DEMO_UPSTREAM=true',
    '',
  ].join('\n')
}

function withPort(options: string[]): string[] {
  return options.some((option) => option.startsWith('--port')) ? options : ['--port', '8787', ...options]
}

function welcome(url: string): string {
  const body = JSON.stringify({ model: 'gpt-image-2', prompt: 'A lighthouse at dusk', response_format: 'url' })
  return `  URL  ${url}/v1
  Key  ${key}

The key belongs to the team 'default'. Teams, keys and limits are managed with the ADMIN_TOKEN in ${SECRETS}: see docs/teams-and-money.md.

Try it (writes demo.png):

  curl -s ${url}/v1/images/generations -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d '${body}' | grep -o 'http[^"]*' | xargs curl -s -o demo.png
`
}
