/** The picture behind a URL; a data URL is one. */
export const pictureAt = async (address: string): Promise<Buffer> =>
  Buffer.from(await (await fetch(address)).arrayBuffer())

/** The pictures of a text in Markdown. */
export const picturesShownIn = (text: string): Promise<Buffer[]> =>
  Promise.all(Array.from(text.matchAll(/!\[[^\]]*\]\(([^)\s]+)\)/g), ([, address = '']) => pictureAt(address)))

export const dataUrl = async (image: File): Promise<string> =>
  `data:${image.type};base64,${Buffer.from(await image.arrayBuffer()).toString('base64')}`

export const decodedFrom = (base64: string): Buffer => Buffer.from(base64, 'base64')
