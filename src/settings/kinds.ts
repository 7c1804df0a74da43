import * as z from 'zod'

/** Ten years, for settings in days and in seconds. Longer times end in numbers of 32 bits of the platform. */
export const LONGEST_DAYS = 3650
export const LONGEST_SECONDS = LONGEST_DAYS * 86_400

export const flag = z.union([z.boolean(), z.stringbool()], { error: 'is to be true or false' }).default(false)

export const wholeNumber = (least: number, most: number): z.ZodType<number> =>
  z.coerce.number().int().min(least).max(most)

/** A wait in seconds; no client waits longer than an hour. */
export const waitSeconds = z.coerce.number().min(0).max(3600)

/** The least wait that is not 0, in seconds: timers of a shorter one would do nothing else. */
const LEAST_WAIT_SECONDS = 0.05

/** A wait in seconds, or 0 for never. */
export const waitOrNever = waitSeconds.refine((seconds) => seconds === 0 || seconds >= LEAST_WAIT_SECONDS, {
  error: `is to be 0, or at least ${LEAST_WAIT_SECONDS} seconds`,
})

export const atLeast = (characters: number): z.ZodString =>
  z.string().min(characters, `needs at least ${characters} characters`)

/** A secret for a header of clients, which carries no other characters (RFC 6750 §2.1). */
export const sentSecret = (characters: number): z.ZodString =>
  atLeast(characters).regex(
    /^[\x21-\x7e]*$/,
    'is to have printable ASCII characters alone, without blanks and line breaks: clients send it in a header',
  )

/** A list or table of the settings file, or a JSON string, since secrets and command lines hold only strings. */
export const fromJson = (value: unknown, context: z.RefinementCtx): unknown => {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    context.addIssue({ code: 'custom', message: 'is not valid JSON' })
    return z.NEVER
  }
}

/** The longest name of a model, in characters: a header repeats it. */
const MAX_NAME = 256

/** The name of a model, an alias or a plan. */
export const settingName = z
  .string()
  .regex(/^(?! )[^\p{Cc}]+(?<! )$/u, 'is to be a name without line breaks, and without blanks at its ends')
  .max(MAX_NAME, `is to have at most ${MAX_NAME} characters`)

/** The model of an alias, and whether each request for it is made by itself. */
export const aliasSetting = z
  .union([settingName, z.strictObject({ model: settingName, fresh: z.boolean().default(false) })])
  .transform((given) => (typeof given === 'string' ? { model: given, fresh: false } : given))
export type AliasSetting = z.infer<typeof aliasSetting>

/** Origins as a browser sends them (RFC 6454 §7), separated by commas; `*` for all. */
export const origins = z
  .string()
  .default('')
  .transform((list) => list.split(',').flatMap((each) => each.trim() || []))
  .refine((list) => list.every((each) => each === '*' || isOrigin(each)), {
    error:
      "is to be '*', or origins such as https://app.example.com, separated by commas: without paths and without patterns",
  })

const isOrigin = (text: string): boolean =>
  /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text
