/** Quoted parts of a sentence. An apostrophe inside a word opens no quotation. */
const QUOTED = /"[^"]*"|`[^`]*`|(?<!\w)'[^']*'(?!\w)|“[^”]*”|‘[^’]*’|「[^」]*」|『[^』]*』/g

/** A sentence without its quotations: a quoted prompt says nothing of the account. */
export const unquoted = (sentence: string): string => sentence.replaceAll(QUOTED, '')
