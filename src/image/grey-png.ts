import { crc32 } from 'node:zlib'
import { collect, readStream } from '../streams/bytes'
import { IHDR_BYTES, SIGNATURE } from './png'

/** Writes a PNG in shades of grey, with one byte for each pixel, out of streamed rows. Throws the errors of `rows`. */
export async function greyPng(
  width: number,
  height: number,
  rows: AsyncIterable<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new CompressionStream('deflate')
  const pixels = collect(readStream(readable))
  const writer = writable.getWriter()
  try {
    for await (const row of rows) {
      const line = new Uint8Array(1 + width)
      line.set(row, 1)
      await writer.write(line)
    }
    await writer.close()
  } catch (error) {
    await Promise.allSettled([writer.abort(error), pixels])
    throw error
  }
  const header = new DataView(new ArrayBuffer(IHDR_BYTES))
  header.setUint32(0, width)
  header.setUint32(4, height)
  header.setUint8(8, 8)
  const chunks = [
    chunk('IHDR', new Uint8Array(header.buffer)),
    chunk('IDAT', await pixels),
    chunk('IEND', new Uint8Array(0)),
  ]
  return new Uint8Array(await new Blob([SIGNATURE, ...chunks]).arrayBuffer())
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length + 12)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  bytes.set(new TextEncoder().encode(type), 4)
  bytes.set(data, 8)
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)))
  return bytes
}
