export const ADMIN_TOKEN = 'admin-token-of-the-tests'
export const SECRET = 'signing-secret-of-the-tests-32-characters'
/** A credential that an operator put into a wrong place. */
export const PASTED = 'sk-proj-Ab3dEf6hIj9lMn2p'

const OPENAI = { name: 'a', provider: 'openai', secret: 'KEY_A' }
export const upstream = (fields: object, more: object = {}): object => ({
  KEY_A: 'sk-a',
  UPSTREAMS: [{ ...OPENAI, ...fields }],
  ...more,
})
export const model = (fields: object): object => ({ MODELS: { a: fields } })
const plan = (fields: object): object => ({ PLANS: { a: fields } })

export const WRONG_SETTINGS: [title: string, changed: object, fault: string][] = [
  [
    'no signing secret',
    { SIGNING_SECRET: undefined },
    'SIGNING_SECRET is not set: set it with npx wrangler secret put',
  ],
  ['a blank signing secret', { SIGNING_SECRET: '  ' }, 'SIGNING_SECRET is not set'],
  ['a short signing secret', { SIGNING_SECRET: 'short' }, 'SIGNING_SECRET needs at least 32 characters'],
  ['a key with a blank', { GATEWAY_KEY: 'a key with some blanks' }, 'GATEWAY_KEY is to have printable ASCII'],
  ['a key with a line break', { GATEWAY_KEY: 'sk-dr-default-tests\n' }, 'GATEWAY_KEY is to have printable ASCII'],
  ['a key beyond ASCII', { GATEWAY_KEY: 'schlüssel-des-torwegs' }, 'GATEWAY_KEY is to have printable ASCII'],
  ['the token as key', { GATEWAY_KEY: ADMIN_TOKEN }, 'GATEWAY_KEY is equal to ADMIN_TOKEN: set another value'],
  ['the signing secret as key', { GATEWAY_KEY: SECRET }, 'GATEWAY_KEY is equal to SIGNING_SECRET: set another value'],
  ['upstreams that are no JSON', { UPSTREAMS: '[{' }, 'UPSTREAMS is not valid JSON'],
  ['upstreams that are no list', { UPSTREAMS: '{}' }, 'UPSTREAMS is wrong: Invalid input: expected array'],
  [
    'an unknown provider',
    upstream({ provider: 'nobody' }),
    'UPSTREAMS.0.provider is wrong: Invalid option: expected one of',
  ],
  ['an unknown field', upstream({ sceret: 'S' }), 'UPSTREAMS.0 has the unknown field sceret: see docs/settings.md'],
  ['a name with blanks', upstream({ name: 'a b' }), 'UPSTREAMS.0.name is wrong: a name has only letters, digits'],
  ['a credential as name', upstream({ name: PASTED }), 'UPSTREAMS.0.name is wrong: a name is shown to clients'],
  ['a credential as secret', upstream({ secret: PASTED }), 'UPSTREAMS.0.secret is to be the name of a secret'],
  ['a credential in capitals', upstream({ secret: 'AKIA7Q3K9X2M4N8P1R5T' }), 'UPSTREAMS.0.secret is to be the name'],
  [
    'a credential as field',
    upstream({ [PASTED]: 1 }),
    'UPSTREAMS.0 has the unknown field (a name that looks like a secret)',
  ],
  [
    'a secret that is missing',
    { UPSTREAMS: [{ ...OPENAI, secret: 'NOT_THERE' }] },
    'UPSTREAMS, entry a, needs the secret NOT_THERE: set it',
  ],
  [
    'a secret that is blank',
    upstream({}, { KEY_A: ' , ' }),
    'UPSTREAMS, entry a, needs the secret KEY_A: set it with npx',
  ],
  ['no secret', upstream({ secret: undefined }), 'UPSTREAMS, entry a, needs a secret'],
  [
    "the gateway's token",
    upstream({ secret: 'ADMIN_TOKEN' }),
    'UPSTREAMS.0.secret names ADMIN_TOKEN, a setting of the gateway',
  ],
  [
    "the gateway's variable",
    upstream({ secret: 'CACHE_SCOPE' }),
    'UPSTREAMS.0.secret names CACHE_SCOPE, a setting of the gateway',
  ],
  [
    "the gateway's key by value",
    upstream({}, { KEY_A: 'sk-b,sk-dr-default-tests' }),
    "KEY_A is equal to GATEWAY_KEY: set the upstream's own",
  ],
  [
    'a credential with a blank',
    upstream({}, { KEY_A: 'sk-a sk-b' }),
    'KEY_A is to have printable ASCII characters alone',
  ],
  [
    'a well-known one with a break',
    { UPSTREAMS: undefined, OPENAI_API_KEY: 'sk-a\nsk-b' },
    'OPENAI_API_KEY is to have printable ASCII',
  ],
  ['a URL that is none', upstream({ base_url: 'relay.example' }), 'UPSTREAMS.0.base_url is to be an http or https URL'],
  [
    'a URL with a user',
    upstream({ base_url: `https://u:${PASTED}@relay.example` }),
    'UPSTREAMS.0.base_url is to have no user name',
  ],
  [
    'a URL with a query',
    upstream({ base_url: `https://relay.example/v1?key=${PASTED}` }),
    'UPSTREAMS, entry a, is to have a base_url without a query',
  ],
  [
    'a URL with a fragment',
    upstream({ base_url: 'https://relay.example/#v1' }),
    'UPSTREAMS.0.base_url is to have no fragment',
  ],
  ['no URL', upstream({ provider: 'azure-openai' }), 'UPSTREAMS, entry a, needs a base_url'],
  [
    'two of a name',
    { KEY_A: 'sk-a', UPSTREAMS: [OPENAI, OPENAI] },
    'UPSTREAMS has two entries with the name a: give each',
  ],
  [
    'the name of the demo',
    upstream({ name: 'demo' }, { DEMO_UPSTREAM: true }),
    'UPSTREAMS has two entries with the name demo',
  ],
  ['no models', upstream({ models: [] }), 'UPSTREAMS.0.models is wrong: Too small'],
  ['a pattern with a name', upstream({ models: ['a-*=b'] }), 'UPSTREAMS.0.models.0 is wrong: a model is "name"'],
  ['a priority with decimals', upstream({ priority: 0.5 }), 'UPSTREAMS.0.priority is wrong'],
  ['no weight', upstream({ weight: 0 }), 'UPSTREAMS.0.weight is wrong: Too small'],
  ['too much weight', upstream({ weight: 1e6 }), 'UPSTREAMS.0.weight is wrong: Too big: expected number to be <=1000'],
  ['no concurrency', upstream({ max_concurrency: 0 }), 'UPSTREAMS.0.max_concurrency is wrong: Too small'],
  ['no requests', upstream({ requests_per_minute: 0 }), 'UPSTREAMS.0.requests_per_minute is wrong: Too small'],
  ['a time-out of nothing', upstream({ timeout_seconds: 1e-9 }), 'UPSTREAMS.0.timeout_seconds is wrong: Too small'],
  ['a time-out of hours', upstream({ timeout_seconds: 7200 }), 'UPSTREAMS.0.timeout_seconds is wrong: Too big'],
  ['a wrong price', upstream({ prices: { x: { token: 1 } } }), 'UPSTREAMS.0.prices.x is wrong: prices are'],
  ['models that are no table', { MODELS: '["a"]' }, 'MODELS is wrong: Invalid input: expected record'],
  ['a model without a name', { MODELS: { '': {} } }, 'MODELS. is to be a name without line breaks'],
  ['an unknown field in a model', model({ size: 'any' }), 'MODELS.a has the unknown field size'],
  ['a model like an unknown one', model({ like: 'b' }), 'MODELS.a.like is no model of the catalogue'],
  ['a size of another form', model({ sizes: ['big'] }), 'MODELS.a.sizes.0 is wrong: sizes are'],
  ['an empty list', model({ qualities: [] }), 'MODELS.a.qualities is wrong: Too small'],
  ['a price below nothing', model({ prices: { image: -1 } }), 'MODELS.a.prices is wrong: prices are'],
  ['a price beyond sums', model({ prices: { image: 1e15 } }), 'MODELS.a.prices is wrong: prices are'],
  [
    'a day outside the calendar',
    model({ shutdown: { date: '2027-02-30', successor: 'b' } }),
    'MODELS.a.shutdown.date is wrong',
  ],
  [
    'a successor of itself',
    model({ shutdown: { date: '2027-02-01', successor: 'a' } }),
    'MODELS.a.shutdown.successor is the model itself',
  ],
  [
    'an alias of an alias',
    { MODEL_ALIASES: { a: 'b', b: 'gpt-image-2' } },
    'MODEL_ALIASES.a leads to another alias: name the model',
  ],
  ['an alias of nothing', { MODEL_ALIASES: { a: '' } }, 'MODEL_ALIASES.a is to be a name'],
  ['a flag that is none', { DEMO_UPSTREAM: 'perhaps' }, 'DEMO_UPSTREAM is to be true or false'],
  [
    'a demo beyond its time-out',
    { DEMO_DELAY_MS: 400_000 },
    'DEMO_DELAY_MS is wrong: Too big: expected number to be <=240000',
  ],
  [
    'a cache life below that of KV',
    { CACHE_TTL_SECONDS: '5' },
    'CACHE_TTL_SECONDS is wrong: Too small: expected number to be >=60',
  ],
  [
    'a cache life beyond 32 bits',
    { CACHE_TTL_SECONDS: 9_999_999_999 },
    'CACHE_TTL_SECONDS is wrong: Too big: expected number to be <=315360000',
  ],
  ['a number in words', { CACHE_TTL_SECONDS: 'a day' }, 'CACHE_TTL_SECONDS is wrong: Invalid input: expected number'],
  [
    'an unknown scope',
    { CACHE_SCOPE: 'world' },
    'CACHE_SCOPE is wrong: Invalid option: expected one of "team"|"shared"',
  ],
  ['links without end', { IMAGE_URL_TTL_SECONDS: 1e12 }, 'IMAGE_URL_TTL_SECONDS is wrong: Too big'],
  ['images kept for centuries', { IMAGE_RETENTION_DAYS: 1e6 }, 'IMAGE_RETENTION_DAYS is wrong: Too big'],
  [
    'answers that outlive images',
    { CACHE_TTL_SECONDS: 31 * 86_400 },
    'IMAGE_RETENTION_DAYS is shorter than CACHE_TTL_SECONDS',
  ],
  [
    'links that outlive images',
    { IMAGE_URL_TTL_SECONDS: 31 * 86_400 },
    'IMAGE_RETENTION_DAYS is shorter than IMAGE_URL_TTL_SECONDS',
  ],
  ['a limit of another kind', plan({ requests_per_day: 'many' }), 'PLANS.a.requests_per_day is wrong: Invalid input'],
  ['an unknown limit', plan({ pictures_per_day: 5 }), 'PLANS.a has the unknown field pictures_per_day'],
  ['a budget beyond sums', plan({ budget_usd: 1e12 }), 'PLANS.a.budget_usd is wrong: Too big'],
  ['a burst alone', plan({ burst: 5 }), 'PLANS.a is wrong: A burst needs requests_per_minute as well'],
  [
    'an unknown plan',
    { DEFAULT_PLAN: PASTED },
    'DEFAULT_PLAN is none of the plans: set one of unlimited, free, tier1, tier2',
  ],
  ['credits for nothing', { CREDITS_PER_USD: 0 }, 'CREDITS_PER_USD is wrong: Too small'],
  ['credits beyond sums', { CREDITS_PER_USD: 1e12 }, 'CREDITS_PER_USD is wrong: Too big'],
  ['bodies of nothing', { MAX_BODY_BYTES: 1 }, 'MAX_BODY_BYTES is wrong: Too small: expected number to be >=1024'],
  ['bodies without end', { MAX_BODY_BYTES: 1e15 }, 'MAX_BODY_BYTES is wrong: Too big'],
  ['a heartbeat without a pause', { HEARTBEAT_AFTER_SECONDS: 1e-6 }, 'HEARTBEAT_AFTER_SECONDS is to be 0, or at least'],
  ['a wait of hours', { QUEUE_WAIT_SECONDS: 7200 }, 'QUEUE_WAIT_SECONDS is wrong: Too big'],
  ['a path in an origin', { CORS_ORIGINS: 'https://a.example/b' }, "CORS_ORIGINS is to be '*', or origins"],
  ['a pattern of origins', { CORS_ORIGINS: 'https://*.example' }, "CORS_ORIGINS is to be '*', or origins"],
  ['an origin without its scheme', { CORS_ORIGINS: '*, a.example' }, "CORS_ORIGINS is to be '*', or origins"],
]
