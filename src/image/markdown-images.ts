import type { Bytes } from '../streams/bytes'
import { bufferOf, latin1 } from '../streams/latin1'
import { Window } from '../streams/window'

const START = 'data:image/'
/** The longest head of a picture's data URL: media type and parameters, in bytes. */
const MAX_DATA_URL_START = 128
/** The fewest base64 characters of a picture. Texts about data URLs have shorter examples. */
const MIN_BASE64 = 32
const HEAD = new RegExp(`^data:image/[\\w.+-]+(?:;[\\w.-]+=[\\w.-]*)*;base64,(?=[\\w+/-]{${MIN_BASE64}})`)
const NOT_BASE64 = /[^\w+/=-]/

/**
 * Splits a streamed text at its data URLs. Text comes out as strings, each picture as its base64 bytes.
 * A picture may have any size. Its bytes are read before the next piece.
 */
export async function* piecesOf(bytes: Bytes): AsyncGenerator<string | Bytes, void> {
  const window = new Window(bytes)
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  const text = (count: number, options?: { stream: true }): string => {
    const decoded = decoder.decode(window.view.subarray(0, count), options)
    window.skip(count)
    return decoded
  }
  try {
    for (;;) {
      const at = bufferOf(window.view).indexOf(START)
      if (at === -1) {
        yield text(window.view.length - openedIn(window.view), { stream: true })
        if (await window.more()) continue
        yield text(window.view.length)
        return
      }
      yield text(at, { stream: true })
      while (window.view.length < MAX_DATA_URL_START + MIN_BASE64 && (await window.more()));
      const [head] = HEAD.exec(latin1(window.view.subarray(0, MAX_DATA_URL_START + MIN_BASE64))) ?? []
      yield text(head ? 0 : START.length, head ? undefined : { stream: true })
      if (!head) continue
      window.skip(head.length)
      yield base64Ahead(window)
      // Skips the rest of a picture that the reader did not read to its end.
      for await (const _ of base64Ahead(window));
    }
  } finally {
    await window.close()
  }
}

/** The number of last bytes that may begin a data URL. */
function openedIn(view: Uint8Array): number {
  for (let count = Math.min(view.length, START.length - 1); count > 0; count--) {
    if (START.startsWith(latin1(view.subarray(view.length - count)))) return count
  }
  return 0
}

/** The base64 at the window, up to the first other byte. */
async function* base64Ahead(window: Window): Bytes {
  do {
    const { view } = window
    const end = latin1(view).search(NOT_BASE64)
    window.skip(end === -1 ? view.length : end)
    yield end === -1 ? view : view.subarray(0, end)
    if (end !== -1) return
  } while (await window.more())
}

/*
 * The parts of a picture in Markdown, `![cat](https://example.com/cat.png "A cat")`. No part matches beyond the next
 * bracket, space or quotation mark, so that the time stays linear.
 */
const LINK_OPENING = '!\\[[^\\][]*\\]\\(\\s*<?'
const LINK_CLOSING = '>?(?:\\s+["\'][^"\']*["\'])?\\s*\\)'
const LINKED = new RegExp(`${LINK_OPENING}(https?://[^\\s<>()]+)${LINK_CLOSING}`, 'g')
const OPENED = new RegExp(`${LINK_OPENING}$`)
const CLOSED = new RegExp(`^${LINK_CLOSING}`)
/** The last characters of a text that are searched for the opening of a picture behind it. */
const MAX_OPENING = 1024

/** Splits off the pictures of a text, in order: pieces of their own, or Markdown links. */
export function illustrated<Picture extends object>(
  pieces: readonly (string | Picture)[],
  linked: (url: string) => Picture,
): { text: string; pictures: Picture[] } {
  const pictures: Picture[] = []
  let text = ''
  let isOpen = false
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += (isOpen ? piece.replace(CLOSED, '') : piece).replaceAll(LINKED, (_, url: string) => {
        pictures.push(linked(url))
        return ''
      })
      isOpen = false
    } else {
      pictures.push(piece)
      const [opening] = OPENED.exec(text.slice(-MAX_OPENING)) ?? []
      isOpen = opening !== undefined
      text = text.slice(0, text.length - (opening?.length ?? 0))
    }
  }
  return { text, pictures }
}

/* URLs are limited in length, so that the time stays linear. */
const ADDRESS = 'https?://[\\w.~:/?#@!$&*+,;=%-]{1,2048}'
const OF_IMAGE = new RegExp(
  `${ADDRESS}\\.(?:png|jpe?g|webp|gif|avif|svg)(?![\\w/-])(?:\\?[\\w.~:/?@!$&*+,;=%-]*)?`,
  'i',
)
/** A path in place of a URL, or the name of a file. */
const RELATIVE = '\\.{0,2}/[^\\s<>()]{1,2048}|[\\w.~%/@-]{1,2048}\\.(?:png|jpe?g|webp|gif|avif|svg)'
const LINKED_RELATIVELY = new RegExp(`${LINK_OPENING}(${RELATIVE})${LINK_CLOSING}`)
const TAGGED = /<img\s(?:[^<>]{0,512}\s)?src=["']?((?:https?:\/\/|\.{0,2}\/)[^\s"'<>]{1,2048})/i
const ALONE = new RegExp(`^[ \\t>]*<?(${ADDRESS})>?[ \\t\\r]*$`, 'm')

/** The address of the first picture in Markdown or HTML, which mark its end. It may be relative. */
export function shownIn(text: string): string | undefined {
  const [shown] = illustrated<{ url: string }>([text], (url) => ({ url })).pictures
  return shown?.url ?? (LINKED_RELATIVELY.exec(text) ?? TAGGED.exec(text))?.[1]
}

/**
 * The address of the picture in a text: shown, or bare. A bare URL has an image's extension or stands alone on its
 * line.
 */
export function addressIn(text: string): string | undefined {
  return shownIn(text) ?? OF_IMAGE.exec(text)?.[0] ?? ALONE.exec(text)?.[1]
}
