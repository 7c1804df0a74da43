const [GPT, BANANA, PRO] = ['gpt-image-2', 'gemini-nano-banana-2.1', 'gemini-3-pro-image']

/** GrsAI's own names of models (protocols §5.1), and their substitutes at other upstreams. */
export const GRSAI_NAMES: Readonly<Record<string, string>> = {
  'sora-image': GPT,
  'gpt-image-2-vip': GPT,
  'nano-banana': BANANA,
  'nano-banana-fast': BANANA,
  'nano-banana-2': BANANA,
  'nano-banana-2-cl': BANANA,
  'nano-banana-2-lite': 'gemini-3.1-flash-lite-image',
  'nano-banana-pro': PRO,
  'nano-banana-pro-vt': PRO,
  'nano-banana-pro-cl': PRO,
  'nano-banana-pro-vip': PRO,
  'nano-banana-pro-4k-vip': PRO,
}
