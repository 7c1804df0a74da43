import { createHash } from 'node:crypto'
import { PhotonImage, Rgba, SamplingFilter, draw_text_with_color, resize, watermark } from '@cf-wasm/photon/others'
import { loadPhoton } from '../image/photon'

/** The content of a placeholder. */
interface Subject {
  model: string
  prompt: string
  /** `WIDTHxHEIGHT` in pixels. */
  size: string
  quality: string
  background: string
  /** `png`, `jpeg` or `webp`. */
  format: string
  compression: number
  /** The number of this picture among the `n`, from 0. */
  index: number
  n: number
  /** The input pictures as files. */
  inputs: Uint8Array[]
}

/** An input that cannot be decoded. `position` counts inputs from 1. */
export class UnreadableInput extends Error {
  readonly position: number

  constructor(position: number, cause: unknown) {
    super(`input image ${position} cannot be decoded`, { cause })
    this.position = position
  }
}

/** The mean letter width of the embedded font (Roboto), as a share of its size. */
const LETTER_WIDTH = 0.53
const LINE_HEIGHT = 1.3
/** The height of the input row, as a share of the picture's height. */
const INPUT_ROW_HEIGHT = 0.3

/**
 * Draws a placeholder with DEMO, the prompt and the inputs. Equal subjects give equal bytes. Throws UnreadableInput.
 */
export async function drawPlaceholder(subject: Subject): Promise<Uint8Array> {
  await loadPhoton()
  const [width = 0, height = 0] = subject.size.split('x').map(Number)
  const picture = new PhotonImage(backdrop(subject, width, height), width, height)
  try {
    writeText(picture, subject, width, height)
    subject.inputs.forEach((input, at) => showInput(picture, input, at, subject.inputs.length, width, height))
    if (subject.format === 'jpeg') return picture.get_bytes_jpeg(subject.compression)
    return subject.format === 'webp' ? picture.get_bytes_webp() : picture.get_bytes()
  } finally {
    picture.free()
  }
}

/** A gradient of two colours from the subject's hash, as RGBA. */
function backdrop(subject: Subject, width: number, height: number): Uint8Array {
  const { inputs, ...rest } = subject
  const hash = createHash('sha256').update(JSON.stringify(rest))
  for (const input of inputs) hash.update(input)
  const seed = hash.digest()
  const alpha = subject.background === 'transparent' ? 0 : 255
  const pixels = new Uint32Array(width * height)
  for (let row = 0; row < height; row++) {
    const mix = (at: number): number => {
      const [from = 0, to = 0] = [seed[at], seed[at + 3]]
      return Math.round((from + ((to - from) * row) / height) * 0.6)
    }
    pixels.fill(((alpha << 24) | (mix(2) << 16) | (mix(1) << 8) | mix(0)) >>> 0, row * width, (row + 1) * width)
  }
  return new Uint8Array(pixels.buffer)
}

function writeText(picture: PhotonImage, subject: Subject, width: number, height: number): void {
  const edge = Math.min(width, height)
  const margin = Math.round(edge * 0.06)
  const title = Math.round(edge * 0.2)
  const body = Math.round(edge * 0.045)
  const write = (text: string, top: number, size: number): void =>
    draw_text_with_color(picture, text, margin, top, size, new Rgba(255, 255, 255, 255))

  write('DEMO', margin, title)
  write(`${subject.model}, ${subject.size}, ${subject.index + 1} of ${subject.n}`, margin + title, body)
  const top = margin + title + Math.round(body * LINE_HEIGHT * 1.5)
  const bottom = height * (subject.inputs.length > 0 ? 1 - INPUT_ROW_HEIGHT : 1) - margin
  const lines = wrapLines(subject.prompt, Math.floor((width - 2 * margin) / (body * LETTER_WIDTH)))
  const room = Math.max(0, Math.floor((bottom - top) / (body * LINE_HEIGHT)))
  lines.slice(0, room).forEach((line, at) => write(line, Math.round(top + at * body * LINE_HEIGHT), body))
}

/** Breaks a text into lines of at most `letters`, between words if possible. */
function wrapLines(text: string, letters: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).flatMap((each) => each.match(new RegExp(`.{1,${letters}}`, 'gu')) ?? [])) {
    if (line && line.length + 1 + word.length > letters) {
      lines.push(line)
      line = ''
    }
    line += line ? ` ${word}` : word
  }
  return line ? [...lines, line] : lines
}

/** Draws one input into its place in the row along the lower edge. */
function showInput(
  picture: PhotonImage,
  file: Uint8Array,
  at: number,
  count: number,
  width: number,
  height: number,
): void {
  const input = decodeInput(file, at + 1)
  try {
    const cell = { width: width / count, height: height * INPUT_ROW_HEIGHT }
    const scale = Math.min((cell.width * 0.9) / input.get_width(), (cell.height * 0.9) / input.get_height())
    const [shownWidth, shownHeight] = [input.get_width(), input.get_height()].map((edge) =>
      Math.max(1, Math.floor(edge * scale)),
    )
    const shown = resize(input, shownWidth ?? 1, shownHeight ?? 1, SamplingFilter.Triangle)
    const left = Math.round(cell.width * at + (cell.width - shown.get_width()) / 2)
    watermark(
      picture,
      shown,
      BigInt(left),
      BigInt(Math.round(height - cell.height + (cell.height - shown.get_height()) / 2)),
    )
    shown.free()
  } finally {
    input.free()
  }
}

function decodeInput(file: Uint8Array, position: number): PhotonImage {
  try {
    return PhotonImage.new_from_byteslice(file)
  } catch (error) {
    throw new UnreadableInput(position, error)
  }
}
