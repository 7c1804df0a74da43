/* The text of docs/settings.md, from the schema of `src/config.ts`. */
import * as z from 'zod'
import { tableOf } from './table.ts'

/** The parts of a JSON Schema that the page shows. */
interface Field {
  type?: string | string[] | undefined
  description?: string | undefined
  /** Whether the setting is a secret of the Worker, and no variable. */
  secret?: boolean | undefined
  default?: unknown
  enum?: string[] | undefined
  const?: unknown
  format?: string | undefined
  minimum?: number | undefined
  exclusiveMinimum?: number | undefined
  maximum?: number | undefined
  minLength?: number | undefined
  items?: Field | undefined
  properties?: Record<string, Field> | undefined
  additionalProperties?: Field | boolean | undefined
  anyOf?: Field[] | undefined
}

const fieldSchema: z.ZodType<Field> = z.lazy(() =>
  z.object({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    description: z.string().optional(),
    secret: z.boolean().optional(),
    default: z.unknown().optional(),
    enum: z.array(z.string()).optional(),
    const: z.unknown().optional(),
    format: z.string().optional(),
    minimum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    maximum: z.number().optional(),
    minLength: z.number().optional(),
    items: fieldSchema.optional(),
    properties: z.record(z.string(), fieldSchema).optional(),
    additionalProperties: z.union([z.boolean(), fieldSchema]).optional(),
    anyOf: z.array(fieldSchema).optional(),
  }),
)

const INTRODUCTION = `# Settings

\`npm run docs\` writes this page from the schemas of \`src/config.ts\`, and a test holds it current.

Variables stand in \`wrangler.toml\` under \`[vars]\`. Secrets are put by \`npx wrangler secret put NAME\`. On a developer's machine both may stand in \`.dev.vars\`.
A list or a table may be JSON text as well. A blank text counts as no value.

A wrong setting stops the Worker, and clients see a 500 without details. The log names each fault, never the value.
\`GET /admin/api/settings\` lists the faults for the \`ADMIN_TOKEN\`.`

/** The page as Markdown, in the layout of the formatter. Throws Error naming a field without a description. */
export function settingsPage(settings: z.ZodObject): string {
  const { properties = {} } = fieldSchema.parse(z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' }))
  const fields = Object.entries(properties).map(([name, field]): [string, Field] => [
    name,
    { default: defaultOf(settings.shape[name]), ...field },
  ])
  const secrets = fields.filter(([, { secret }]) => secret)
  const variables = fields.filter(([, { secret }]) => !secret)
  const entries = variables.flatMap(([name, field]) => entriesOf(name, field))
  const sections = [
    ['Secrets', tableOf(['secret', 'value', 'effect'], secrets.map(rowOf))],
    ['Variables', tableOf(['variable', 'value', 'default', 'effect'], variables.map(rowWithDefault))],
    ...entries,
  ]
  const numbered = sections.map(([title = '', table = ''], at) => `## ${at + 1}. ${title}\n\n${table}`)
  return `${[INTRODUCTION, ...numbered].join('\n\n')}\n`
}

/** The default of a schema that JSON Schema cannot express, such as one of a transformed value. */
function defaultOf(schema: z.core.$ZodType | undefined): unknown {
  const data: unknown = schema && z.safeParse(schema, undefined).data
  return Array.isArray(data) ? undefined : data
}

/** A section for the fields of each entry of a list or table. */
function entriesOf(name: string, field: Field): string[][] {
  const { additionalProperties: entry } = field
  const { properties } = field.items ?? (typeof entry === 'object' ? entry : {})
  if (!properties) return []
  const rows = Object.entries(properties).map(rowWithDefault)
  return [[`An entry of \`${name}\``, tableOf(['field', 'value', 'default', 'effect'], rows)]]
}

const rowOf = ([name, field]: [string, Field]): string[] => [`\`${name}\``, kindOf(field), effectOf(name, field)]

function rowWithDefault([name, field]: [string, Field]): string[] {
  const [code = '', kind = '', effect = ''] = rowOf([name, field])
  return [code, kind, field.default === undefined || field.default === '' ? '' : literal(field.default), effect]
}

function effectOf(name: string, { description }: Field): string {
  if (description === undefined) throw new Error(`the schema of ${name} has no description`)
  return description
}

const literal = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

/** The values of a field, in a few words. */
function kindOf(field: Field): string {
  if (field.anyOf) return [...new Set(field.anyOf.map(kindOf))].join(' or ')
  if (field.enum) return field.enum.length > 4 ? 'one of a list' : field.enum.map(literal).join(' or ')
  if (field.const !== undefined) return literal(field.const)
  if (Array.isArray(field.type)) return '`true` or `false`'
  if (field.type === 'integer') return `whole number${boundsOf(field)}`
  if (field.type === 'number') return `number${boundsOf(field)}`
  if (field.type === 'array') return 'list'
  if (field.type === 'object') return 'table'
  if (field.type === 'null') return '`null`'
  if (field.format === 'uri') return 'URL'
  if (field.format === 'date') return 'date'
  return field.minLength !== undefined && field.minLength > 1 ? `text, ${field.minLength} characters or more` : 'text'
}

function boundsOf({ minimum, exclusiveMinimum, maximum }: Field): string {
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  if (exclusiveMinimum !== undefined) return most === undefined ? ' above 0' : ` above 0, at most ${most}`
  if (minimum === undefined || minimum < 0) return ''
  return most === undefined ? `, ${minimum} or more` : `, ${minimum} to ${most}`
}
