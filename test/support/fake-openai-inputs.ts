import { type Refusal, type Submission, invalidRequest, isObject } from './fake-openai-request.ts'
import { invalidType, missing, userError } from './fake-openai-values.ts'

const FILE_PARTS = ['image', 'image[]', 'mask', 'markup']
const MAX_IMAGES = 16
const MAX_IMAGE_BYTES = 50 * 1024 * 1024
const MAX_IMAGE_URL_CHARACTERS = 20_971_520

/** OpenAI's objections to the input pictures of an edit. */
export function checkImages(submission: Submission): Refusal | undefined {
  return (submission.isForm ? checkFiles(submission) : checkReferences(submission)) ?? checkContents(submission)
}

function checkFiles({ fields, files }: Submission): Refusal | undefined {
  const text = FILE_PARTS.find((name) => fields[name] !== undefined)
  if (text !== undefined) return invalidType(text, 'a file', fields[text])
  const images = files.filter(({ name }) => name === 'image' || name === 'image[]')
  if (images.length === 0) return missing('image')
  const asText = files.find(({ name }) => !FILE_PARTS.includes(name))
  if (asText)
    return invalidRequest('invalid_type', asText.name, `Invalid type for '${asText.name}': got a file instead.`)
  return checkCount('image', images.length)
}

function checkReferences({ fields: { images, mask } }: Submission): Refusal | undefined {
  if (images === undefined) return missing('images')
  if (!Array.isArray(images)) return invalidType('images', 'an array of objects', images)
  if (images.length === 0) {
    const message =
      "Invalid 'images': empty array. Expected an array with minimum length 1, but got an empty array instead."
    return invalidRequest('empty_array', 'images', message)
  }
  const places = images.map((item: unknown, index) => checkReference(`images[${index}]`, item))
  return (
    checkCount('images', images.length) ??
    places.find((refusal) => refusal) ??
    (mask === undefined ? undefined : checkReference('mask', mask))
  )
}

function checkReference(place: string, item: unknown): Refusal | undefined {
  if (!isObject(item)) return invalidType(place, 'an object', item)
  const keys = Object.keys(item)
  const stray = keys.find((key) => key !== 'image_url' && key !== 'file_id')
  if (stray !== undefined) return invalidRequest('unknown_parameter', place, `Unknown parameter: '${place}.${stray}'.`)
  if (keys.length !== 1)
    return invalidRequest('invalid_value', place, "Expected exactly one of 'image_url' and 'file_id'.")
  const value = item['image_url'] ?? item['file_id']
  if (typeof value !== 'string') return invalidType(`${place}.${keys[0]}`, 'a string', value)
  if (value.length > MAX_IMAGE_URL_CHARACTERS) return tooLong(`${place}.image_url`)
  const isReadable = 'file_id' in item || /^(https?:\/\/.|data:image\/)/.test(value)
  return isReadable ? undefined : invalidRequest('invalid_image_url', place, `Invalid URL in '${place}.image_url'.`)
}

const tooLong = (name: string): Refusal =>
  invalidRequest('string_above_max_length', name, `Invalid '${name}': string too long.`)

function checkCount(name: string, count: number): Refusal | undefined {
  if (count <= MAX_IMAGES) return undefined
  const message = `Invalid '${name}': array too long. Expected an array with maximum length ${MAX_IMAGES}, but got an array with length ${count} instead.`
  return invalidRequest('array_above_max_length', name, message)
}

/** OpenAI goes by the part's media type first and reads the picture afterwards. */
function checkContents({ files, formats }: Submission): Refusal | undefined {
  for (const [index, file] of files.entries()) {
    const supported =
      file.name === 'mask' || file.name === 'markup' ? ['image/png'] : ['image/jpeg', 'image/png', 'image/webp']
    if (!supported.includes(file.type)) {
      const message = `Invalid file '${file.name}': unsupported mimetype ('${file.type}').`
      return invalidRequest('unsupported_file_mimetype', file.name, message)
    }
    if (file.bytes > MAX_IMAGE_BYTES) {
      return userError('image_file_too_large', file.name, `Image ${index + 1} is larger than 50 MB.`)
    }
    if (`image/${formats.get(file)}` !== file.type) {
      const message = `Invalid image file or mode for image ${index + 1}, please check your image file.`
      return userError('invalid_image_file', null, message)
    }
  }
  return undefined
}
