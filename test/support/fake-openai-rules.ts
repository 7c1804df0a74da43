import { checkImages } from './fake-openai-inputs.ts'
import { type ModelRules, rulesOf } from './fake-openai-models.ts'
import { type Refusal, type Submission, invalidRequest } from './fake-openai-request.ts'
import {
  checkChoice,
  checkFlag,
  checkInteger,
  checkText,
  flag,
  given,
  integer,
  invalidType,
  invalidValue,
  missing,
  unknownParameter,
  userError,
} from './fake-openai-values.ts'

const COMMON = ['model', 'prompt', 'n', 'size', 'quality', 'background', 'output_format', 'output_compression']
export const STREAMING = ['stream', 'partial_images']
const GENERATION = [...COMMON, ...STREAMING, 'moderation', 'user', 'safety_identifier']
/** The JSON form has `moderation` and the multipart form has `safety_identifier`, as protocols §1.3 lists them. */
const JSON_EDIT = [...COMMON, ...STREAMING, 'images', 'mask', 'moderation', 'user']
const FORM_EDIT = [...COMMON, ...STREAMING, 'image', 'image[]', 'mask', 'user', 'safety_identifier']

const MAX_PROMPT_CHARACTERS = 32_000

/** The model's rules, or OpenAI's first objection in its order (protocols §1.7). */
export function inspect(submission: Submission): { rules: ModelRules } | { refusal: Refusal } {
  const model = submission.fields['model']
  if (model === undefined) return { refusal: missing('model') }
  if (typeof model !== 'string') return { refusal: invalidType('model', 'a string', model) }
  const rules = rulesOf(model)
  if (!rules) return { refusal: userError('invalid_value', 'model', `The model '${model}' does not exist.`) }
  const refusal =
    checkNames(submission, rules) ??
    checkPrompt(submission) ??
    (submission.operation === 'edits' ? checkImages(submission) : undefined) ??
    checkInteger(submission, 'n', 1, 10) ??
    checkSize(submission, rules) ??
    checkChoice(submission, 'quality', rules.qualities) ??
    checkFormat(submission, rules) ??
    checkRest(submission, model, rules)
  return refusal ? { refusal } : { rules }
}

function checkNames(submission: Submission, rules: ModelRules): Refusal | undefined {
  const { operation, isForm, fields, files, repeated } = submission
  const names = new Set([...Object.keys(fields), ...(isForm ? files.map((file) => file.name) : [])])
  const known = operation === 'generations' ? GENERATION : isForm ? FORM_EDIT : JSON_EDIT
  const extras = rules.extras.filter((name) => name !== 'markup' || isForm)
  const fidelity = operation === 'edits' && rules.fidelity !== 'unknown' ? ['input_fidelity'] : []
  const takes = (name: string): boolean => [...known, ...extras, ...fidelity].includes(name)
  const stray = [...names].find(
    (name) => !takes(isForm ? name.replace(/\[(?:model|reasoning\]\[effort)\]$/, '') : name),
  )
  if (stray === undefined) return repeated[0] === undefined ? undefined : duplicate(repeated[0])
  const hint = operation === 'edits' ? misplaced(stray, isForm) : undefined
  return hint ?? unknownParameter(stray)
}

/** Input pictures have another name in each form of an edit, and OpenAI's refusal explains it. */
function misplaced(name: string, isForm: boolean): Refusal | undefined {
  const hint = isForm
    ? "For multipart/form-data requests, use 'image' or 'image[]'."
    : "For application/json requests, use 'images' (array)."
  const isMisplaced = isForm ? name === 'images' || name === 'images[]' : name === 'image' || name === 'image[]'
  return isMisplaced ? invalidRequest('invalid_value', name, `Unknown parameter: '${name}'. ${hint}`) : undefined
}

const duplicate = (name: string): Refusal =>
  invalidRequest(
    'duplicate_parameter',
    name,
    `Duplicate parameter: '${name}'. You provided multiple values for this parameter, whereas only one is allowed. ` +
      `If you are trying to provide a list of values, use the array syntax instead e.g. '${name}[]=<value>'.`,
  )

function checkPrompt({ fields: { prompt } }: Submission): Refusal | undefined {
  if (prompt === undefined) return missing('prompt')
  if (typeof prompt !== 'string') return invalidType('prompt', 'a string', prompt)
  const expected = (code: string, fault: string, bound: string, got: string): Refusal =>
    invalidRequest(
      code,
      'prompt',
      `Invalid 'prompt': ${fault}. Expected a string with ${bound}, but got ${got} instead.`,
    )
  if (prompt === '') return expected('empty_string', 'empty string', 'minimum length 1', 'an empty string')
  if (prompt.length <= MAX_PROMPT_CHARACTERS) return undefined
  const bound = `maximum length ${MAX_PROMPT_CHARACTERS}`
  return expected('string_above_max_length', 'string too long', bound, `a string with length ${prompt.length}`)
}

function checkSize(submission: Submission, { sizes }: ModelRules): Refusal | undefined {
  if (sizes !== 'free') return checkChoice(submission, 'size', sizes)
  const size = given(submission, 'size')
  if (typeof size !== 'string' || size === 'auto') return checkText(submission, 'size')
  const [, width, height] = /^([1-9]\d*)x([1-9]\d*)$/.exec(size) ?? []
  const fault =
    width && height ? sizeFault(Number(width), Number(height)) : "Expected WIDTHxHEIGHT, for example '1824x1024'."
  return fault === undefined ? undefined : userError('invalid_value', 'size', `Invalid size '${size}'. ${fault}`)
}

function sizeFault(width: number, height: number): string | undefined {
  const [long, short] = [Math.max(width, height), Math.min(width, height)]
  if (width % 16 || height % 16) return 'Width and height must both be divisible by 16.'
  if (long > 3840) return 'The longest edge must be at most 3840 pixels.'
  if (long > 3 * short) return 'The long edge must be at most 3 times the short edge.'
  if (width * height < 655_360) return 'Requested resolution is below the current minimum pixel budget.'
  if (width * height > 8_294_400) return 'Requested resolution exceeds the current maximum pixel budget.'
  return undefined
}

function checkFormat(submission: Submission, rules: ModelRules): Refusal | undefined {
  const refusal =
    checkChoice(submission, 'output_format', rules.formats) ?? checkInteger(submission, 'output_compression', 0, 100)
  if (refusal) return refusal
  const format = given(submission, 'output_format') ?? 'png'
  const compression = integer(submission, 'output_compression') ?? 100
  if (format !== 'png' || compression === 100) return undefined
  const message = 'Compression less than 100 is not supported for PNG output format.'
  return userError('invalid_png_output_compression', 'output_compression', message)
}

function checkRest(submission: Submission, model: string, rules: ModelRules): Refusal | undefined {
  return (
    checkBackground(submission, rules) ??
    checkChoice(submission, 'moderation', ['auto', 'low']) ??
    checkFlag(submission, 'stream') ??
    checkInteger(submission, 'partial_images', 0, 3) ??
    checkFidelity(submission, model, rules) ??
    checkChoice(submission, 'response_format', ['url', 'b64_json']) ??
    checkText(submission, 'style') ??
    checkText(submission, 'user') ??
    checkText(submission, 'safety_identifier') ??
    checkPreviews(submission)
  )
}

function checkBackground(submission: Submission, rules: ModelRules): Refusal | undefined {
  const refusal = checkChoice(submission, 'background', ['transparent', 'opaque', 'auto'])
  if (refusal || given(submission, 'background') !== 'transparent') return refusal
  const isJpeg = given(submission, 'output_format') === 'jpeg'
  if (rules.transparent && !isJpeg) return undefined
  const what = rules.transparent ? 'JPEG output format' : 'this model'
  return userError('invalid_value', 'background', `Transparent background is not supported for ${what}.`)
}

function checkFidelity(submission: Submission, model: string, rules: ModelRules): Refusal | undefined {
  const value = given(submission, 'input_fidelity')
  if (value === undefined || rules.fidelity === 'taken')
    return checkChoice(submission, 'input_fidelity', ['low', 'high'])
  const message = `The model '${model}' does not support the 'input_fidelity' parameter.`
  return invalidRequest('invalid_input_fidelity_model', 'input_fidelity', message)
}

/** The parameters of gpt-image-2.6 and of overlays; only the combinations that protocols §1.1 rules out are refused. */
function checkPreviews(submission: Submission): Refusal | undefined {
  const { fields, files } = submission
  const refusal =
    checkChoice(submission, 'complexity', ['low', 'medium', 'high']) ??
    checkInteger(submission, 'frame_count', 2, 16) ??
    checkInteger(submission, 'frame_duration_ms', 1, 655_350)
  if (refusal) return refusal
  const [isGif, isSvg] = ['gif', 'svg'].map((format) => fields['output_format'] === format)
  const frames = ['frame_count', 'frame_duration_ms'].find((name) => fields[name] !== undefined)
  if (frames !== undefined && !isGif) return invalidValue('output_format', String(fields['output_format']), ['gif'])
  if (Object.keys(fields).some((name) => name === 'svg' || name.startsWith('svg[')) && !isSvg)
    return invalidValue('output_format', String(fields['output_format']), ['svg'])
  if (isSvg && (integer(submission, 'n') ?? 1) > 1) return invalidValue('n', String(fields['n']), ['1'])
  if (isSvg && flag(submission, 'stream')) return invalidValue('stream', 'true', ['false'])
  const hasBoth = ['mask', 'markup'].every((name) => files.some((file) => file.name === name))
  if (!hasBoth) return undefined
  return invalidRequest('invalid_value', 'markup', "Only one of 'mask' and 'markup' may be given.")
}
