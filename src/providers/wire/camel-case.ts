/** A JSON value with its names in camel case. The JSON of protobuf may have snake case too (protocols §3.2). */
export function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [camelName(name), camelCased(inner)]))
}

/** `inlineData` for `inline_data`. */
export const camelName = (name: string): string =>
  name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
