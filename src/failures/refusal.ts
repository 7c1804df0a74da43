import * as z from 'zod'

/** The fields of an image request by their names in the core. */
export const FIELDS = [
  'model',
  'prompt',
  'n',
  'size',
  'quality',
  'background',
  'format',
  'compression',
  'moderation',
  'style',
  'inputFidelity',
  'images',
  /** The picture of an edit with one picture. */
  'image',
  'mask',
  'markup',
  'partials',
] as const
export type Field = (typeof FIELDS)[number]

/** The place of a fault: a field of the core, an extra by OpenAI's name, or a dialect's own parameter. */
const place = z.union([z.enum(FIELDS), z.object({ extra: z.string() }), z.object({ param: z.string() })])
export type Place = z.infer<typeof place>

/** The reason against a size; amounts are in pixels. */
const sizeFault = z.discriminatedUnion('is', [
  z.object({ is: z.literal('not_pixels') }),
  z.object({ is: z.literal('not_divisible'), by: z.number() }),
  z.object({ is: z.literal('edge_too_long'), max: z.number() }),
  z.object({ is: z.literal('edges_out_of_range'), min: z.number(), max: z.number() }),
  z.object({ is: z.literal('too_elongated'), max: z.number() }),
  z.object({ is: z.literal('too_few_pixels'), min: z.number() }),
  z.object({ is: z.literal('too_many_pixels'), max: z.number() }),
  z.object({ is: z.literal('ratio_out_of_range'), max: z.number() }),
  z.object({ is: z.literal('ratio_not_near'), ratios: z.array(z.string()) }),
  z.object({ is: z.literal('ratio_missing') }),
  z.object({ is: z.literal('resolution_unknown'), allowed: z.array(z.string()) }),
  /** The nearest size that the model makes; `ratios` lists its aspect ratios when the ratio is at fault. */
  z.object({ is: z.literal('nearest'), size: z.string(), ratios: z.array(z.string()).exactOptional() }),
  /** The catalogue does not know the sizes of the model; `ratios` lists those that it can translate. */
  z.object({ is: z.literal('sizes_unknown'), ratios: z.array(z.string()) }),
  z.object({ is: z.literal('above_limit'), max: z.string() }),
])
export type SizeFault = z.infer<typeof sizeFault>

const field = place
const given = z.string()
const allowed = z.array(z.string())
const kind = z.enum(['array', 'string'])

/** The reason against a request, as data. Each dialect words it with its own parameters and values. */
export const refusalSchema = z.discriminatedUnion('reason', [
  z.object({ reason: z.literal('missing'), field }),
  /** `hint` says what to send instead, in the words of the dialect that raises it. */
  z.object({ reason: z.literal('unknown_parameter'), field, hint: z.string().exactOptional() }),
  z.object({ reason: z.literal('no_effect'), field }),
  z.object({ reason: z.literal('invalid_type'), field, expected: z.string(), given }),
  z.object({ reason: z.literal('invalid_value'), field, given, allowed }),
  z.object({ reason: z.literal('below_minimum'), field, given: z.number(), minimum: z.number() }),
  z.object({ reason: z.literal('above_maximum'), field, given: z.number(), maximum: z.number() }),
  z.object({ reason: z.literal('empty'), field, kind }),
  z.object({ reason: z.literal('too_long'), field, kind, maximum: z.number().exactOptional() }),
  /** `expected` is the sentence of the schema that the value does not match. */
  z.object({ reason: z.literal('malformed'), field, expected: z.string() }),
  z.object({ reason: z.literal('partials_without_stream'), field }),
  z.object({ reason: z.literal('unsupported_content_type'), field: field.exactOptional(), given }),

  z.object({ reason: z.literal('unknown_model'), field, given }),
  z.object({ reason: z.literal('model_not_allowed'), field, given }),
  z.object({ reason: z.literal('model_without_price'), field }),
  z.object({ reason: z.literal('unpriced_parameter'), field }),

  z.object({ reason: z.literal('invalid_size'), field, given, fault: sizeFault }),
  z.object({ reason: z.literal('no_choice_of_size'), field, given }),
  z.object({ reason: z.literal('no_transparency'), field }),
  /** `instead` lists formats that can be transparent. */
  z.object({ reason: z.literal('opaque_format'), field, given, instead: allowed }),
  /** `given` is a format of one picture per request. */
  z.object({ reason: z.literal('one_at_a_time'), field, given }),
  z.object({ reason: z.literal('no_compression'), field, instead: allowed }),
  z.object({ reason: z.literal('no_input_fidelity'), field }),
  z.object({ reason: z.literal('mask_and_markup'), field }),

  /** `maximum` is 0 for a model that takes no input images. */
  z.object({ reason: z.literal('too_many_images'), field, maximum: z.number() }),
  /** `position` counts the images of the request from 1; a mask needs none. `why` is a sentence about the file. */
  z.object({
    reason: z.literal('invalid_image'),
    field,
    position: z.number().exactOptional(),
    why: z.string().exactOptional(),
  }),
  z.object({ reason: z.literal('unreadable_image'), field, why: z.string() }),
  z.object({ reason: z.literal('image_too_large'), field, maximumBytes: z.number() }),
  z.object({ reason: z.literal('image_too_large_for_model'), field, maximumBytes: z.number() }),
  z.object({ reason: z.literal('unusable_mask'), field, why: z.string() }),

  /** An upstream refuses the request in its own words, without secrets; `code` is the upstream's. */
  z.object({ reason: z.literal('upstream'), field: field.exactOptional(), words: z.string(), code: z.string() }),
])
export type Refusal = z.infer<typeof refusalSchema>
export type Reason = Refusal['reason']
