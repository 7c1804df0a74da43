/**
 * The layers of src, from top to bottom. A room is a folder or a file; the longest name that fits a file is its room.
 * A room imports rooms of lower floors only. Rooms of one floor do not import each other.
 */
export const FLOORS: string[][] = [
  ['index.ts'],
  ['app.ts'],
  ['admin', 'routes'],
  ['http'],
  ['text'],
  ['delivery'],
  ['generation'],
  ['dialects/index.ts'],
  [
    'dialects/chat-completions',
    'dialects/gemini',
    'dialects/grsai',
    'dialects/imagen',
    'dialects/interactions',
    'dialects/openai-images',
    'dialects/openrouter-images',
    'dialects/responses',
  ],
  ['dialects/openrouter'],
  ['dialects/google'],
  ['dialects/openai'],
  ['dialects'],
  ['context.ts'],
  ['team', 'webhooks'],
  ['config.ts'],
  ['settings'],
  ['upstreams'],
  ['providers/index.ts'],
  ['providers'],
  ['providers/wire'],
  ['providers/provider.ts'],
  ['wire'],
  ['store', 'limits', 'credentials'],
  ['ledger'],
  ['catalog'],
  ['image'],
  ['runtime'],
  ['failures', 'streams'],
]

/** Folders that share rooms below them and do not import each other: a client's wire format knows no upstream's. */
export const APART: [folder: string, other: string][] = [['dialects', 'providers']]
