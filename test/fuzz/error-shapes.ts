import * as z from 'zod'

const text = z.string().min(1)

const openai = z.strictObject({
  error: z.strictObject({ message: text, type: text, param: z.string().nullable(), code: z.string().nullable() }),
})

const google = z.strictObject({
  error: z.strictObject({
    code: z.int(),
    message: text,
    status: z.string().regex(/^[A-Z_]+$/),
    details: z.array(z.looseObject({ '@type': z.string().startsWith('type.googleapis.com/google.rpc.') })),
  }),
})
/** A stream of JSON begins with an array. */
const googleList = z.tuple([google])

const openrouter = z.strictObject({
  error: z.strictObject({
    code: z.int(),
    message: text,
    metadata: z.strictObject({ reason: text, param: z.string().optional() }),
  }),
})

const grsaiRefusal = z.strictObject({ code: z.union([z.literal(-1), z.literal(-22)]), data: z.null(), msg: text })
const grsaiTask = z.strictObject({
  id: z.string(),
  status: z.enum(['failed', 'violation']),
  progress: z.int(),
  results: z.array(z.unknown()),
  error: text,
})

/** The shape of errors under each beginning of a path; the first that matches decides. */
const SHAPES: [path: RegExp, shape: z.ZodType][] = [
  [/^\/v1beta\//, z.union([google, googleList])],
  [/^\/v1\/models\/.+:(?:g|streamG)enerateContent$/, z.union([google, googleList])],
  [/^\/api\/v1\//, openrouter],
  [/^\/v1\/draw\/(?:completions|nano-banana|result)$/, z.union([grsaiRefusal, openai])],
  [/^\/v1\/api\/(?:generate|edit|result)$/, z.union([grsaiTask, openai])],
]

/** The shape of errors at a path, as its wire format has it. */
export const errorShapeAt = (path: string): z.ZodType => SHAPES.find(([form]) => form.test(path))?.[1] ?? openai
