import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, startGateway } from './support/gateway.ts'
import { decodePng } from './support/pictures.ts'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const execute = promisify(execFile)

let gateway: Gateway
let directory: string
/** The README and the pages of docs. */
let pages: string

const pageOf = (path: string): Promise<string> => readFile(join(PROJECT, path), 'utf8')

/** The upstream of docs/upstreams.md; the demo draws every model that it lacks. */
const RELAY = { name: 'relay', provider: 'openai', secret: 'RELAY_KEY', base_url: 'https://relay.example.com/v1' }

beforeAll(async () => {
  gateway = await startGateway({ UPSTREAMS: JSON.stringify([{ ...RELAY, models: ['flux-*'] }]), RELAY_KEY: 'key' })
  directory = await mkdtemp(join(tmpdir(), 'darkroom-readme-'))
  const names = (await readdir(join(PROJECT, 'docs'))).filter((name) => name.endsWith('.md'))
  pages = (await Promise.all(['README.md', ...names.map((name) => `docs/${name}`)].map(pageOf))).join('\n')
})
afterAll(async () => {
  await gateway?.stop()
  await rm(directory, { recursive: true })
})

/** The one example in a language with a text, for the URL of the running gateway. */
function example(language: string, holding: string): string {
  const blocks = pages.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))
  const found = Array.from(blocks, ([, code = '']) => code).filter((code) => code.includes(holding))
  if (found.length !== 1) throw new Error(`README and docs have ${found.length} ${language} examples with ${holding}`)
  return found.join('').replaceAll('http://localhost:8787', new URL(gateway.baseUrl).origin)
}

const environment = () => ({ ...process.env, DARKROOM_KEY: gateway.key })

test('the curl line answers with a link that shows a picture', async () => {
  const { stdout } = await execute('bash', ['-c', example('sh', 'at dusk')], { env: environment() })
  const [url = ''] = /http[^"]+/.exec(stdout) ?? []
  const picture = await fetch(url)
  expect(decodePng(Buffer.from(await picture.arrayBuffer()))).toEqual({ width: 1024, height: 1024 })
})

test('the job lines submit a job and show its outcome', async () => {
  const lines = `set -e\n${example('sh', 'respond-async')}`
  const { stdout } = await execute('bash', ['-c', lines], { env: environment() })
  expect(JSON.parse(stdout)).toMatchObject({ object: 'generation', prompt: 'A lighthouse at dawn', error: null })
})

test('the admin lines make a team, change it, issue a key, report and delete', async () => {
  const lines = `set -e\n${example('sh', 'admin()')}`
  const { stdout } = await execute('bash', ['-c', lines], { env: { ...process.env, ADMIN_TOKEN: gateway.adminToken } })
  expect(stdout).toContain('"plan":"tier1","created_at"')
  expect(stdout).toContain('"budget_usd":80')
  expect(stdout).toMatch(/"key":"sk-dr-studio-\w+-\w+"/)
  expect(stdout).toContain('"url":"https://studio.example.com/images"')
  expect(stdout).toContain('"deleted":true')
})

test('the upstream lines show the state of each, switch one off and its account on', async () => {
  const [definitions = ''] = example('sh', 'admin()').split('\n\n')
  const lines = `set -e\n${definitions}\n${example('sh', '$api/upstreams')}`
  const { stdout } = await execute('bash', ['-c', lines], { env: { ...process.env, ADMIN_TOKEN: gateway.adminToken } })
  expect(stdout).toMatch(/^\{"object":"list","data":\[\{"object":"upstream","name":"relay"/)
  expect(Array.from(stdout.matchAll(/"status":"(\w+)"/g), ([, status]) => status)).toEqual([
    'ready',
    'ready',
    'out',
    'ready',
  ])
})

test('the example for Node writes a picture', async () => {
  await writeFile(join(directory, 'example.mjs'), example('js', 'new OpenAI'))
  await symlink(join(PROJECT, 'test/node_modules'), join(directory, 'node_modules'))
  await execute(process.execPath, ['example.mjs'], { cwd: directory, env: environment() })
  expect(decodePng(await readFile(join(directory, 'lighthouse.png')))).toEqual({ width: 1024, height: 1024 })
})

test.skipIf(spawnSync('python3', ['--version']).error)('the example for Python is Python', async () => {
  await writeFile(join(directory, 'example.py'), example('python', 'OpenAI('))
  await execute('python3', ['-m', 'py_compile', 'example.py'], { cwd: directory })
})

test('the deploy command builds the Worker', async () => {
  const [command = '', ...options] = example('sh', 'npm run deploy').trim().split(' ')
  const { stdout } = await execute(command, [...options, '--', '--dry-run'], { cwd: PROJECT })
  expect(stdout).toContain('--dry-run: exiting now.')
})

test('the benchmark runs, and finds that identical requests at once are made once', async () => {
  expect(pages).toContain('`npm run bench`')
  const { stdout } = await execute('npm', ['run', 'bench', '--', 'upstream calls'], { cwd: PROJECT })
  expect(stdout).toMatch(/1,000 identical requests at once +1 +1 +1 +1 +yes/)
})

test('the benchmark of latency runs, and fails where a goal is not reached', async () => {
  expect(pages).toContain('`npm run bench:latency`')
  const { stdout, code } = await ended('npm', ['run', 'bench:latency', '--', 'models'])
  expect(stdout).toMatch(/\nmodels +\d+ ms +<= 125 ms +(reached|NOT REACHED) +TEAMS\./)
  expect(code).toBe(stdout.includes('NOT REACHED') ? 1 : 0)
})

/** The output and the exit code of a command. */
const ended = (command: string, options: string[]): Promise<{ stdout: string; code: unknown }> =>
  new Promise((resolve) => {
    execFile(command, options, { cwd: PROJECT }, (error, stdout) => resolve({ stdout, code: error?.code ?? 0 }))
  })

test('every setting in docs/settings.md exists, and every one that exists is in it', async () => {
  const config = await pageOf('src/config.ts')
  const known = Array.from(config.matchAll(/^ {2}([A-Z_]{4,}):/gm), ([, name]) => name)
  const told = Array.from((await pageOf('docs/settings.md')).matchAll(/^\| `([A-Z_]{4,})` +\|/gm), ([, name]) => name)
  expect(told.toSorted()).toEqual(known.toSorted())
})

test('every provider in docs/upstreams.md exists, with its secret, and every one that exists is in it', async () => {
  const shelf = join(PROJECT, 'src/providers')
  const list = await readFile(join(shelf, 'all.ts'), 'utf8')
  const files = Array.from(list.matchAll(/ from '\.\/([\w-]+)'/g), ([, file]) => file)
  const known = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(shelf, `${file}.ts`), 'utf8')
      const [, secret] = /wellKnown: \{\s*secret: '(\w+)'/.exec(text) ?? []
      return `${/^ {2}id: '([\w-]+)'/m.exec(text)?.[1]} ${secret}`
    }),
  )
  const [, table = ''] = /\n\| `provider` [\s\S]*?\n([\s\S]*?)\n\n/.exec(await pageOf('docs/upstreams.md')) ?? []
  const told = Array.from(table.matchAll(/^\| `([\w-]+)` +\| (?:`(\w+)`)?/gm), ([, id, secret]) => `${id} ${secret}`)
  expect(told.toSorted()).toEqual(known.filter((each) => each !== 'demo undefined').toSorted())
})

test("every line of the README's table of clients stands in a test of that client", async () => {
  const [, table = ''] = /\n### Switch a client\n[\s\S]*?\n(\|[\s\S]*?)\n\n/.exec(await pageOf('README.md')) ?? []
  const told = Array.from(table.matchAll(/\| (`+)([^|]+?)\1 *\|$/gm), ([, , line = '']) => line)
  const directory = join(PROJECT, 'test/e2e/clients')
  const files = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.ts'))
  const tests = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')))
  expect(told.length).toBeGreaterThanOrEqual(8)
  expect(told.filter((line) => !tests.some((text) => text.includes(line)))).toEqual([])
})

/** Parts of a client in the table, and the client that only checks webhooks. */
const OTHERS = ['ai-sdk/provider', 'langchain/core', 'modelcontextprotocol/client', 'tanstack/ai', 'standardwebhooks']

test("every client of test/clients is in the README's table", async () => {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    await pageOf('test/clients/package.json'),
  )
  const [, table = ''] = /\n### Switch a client\n([\s\S]*?)\n## /.exec(await pageOf('README.md')) ?? []
  const names = Object.entries(dependencies).map(([name, version]) => /^npm:(.+)@/.exec(version)?.[1] ?? name)
  expect(names.filter((name) => !table.includes(name) && !OTHERS.some((other) => name.includes(other)))).toEqual([])
})
