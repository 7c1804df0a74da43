/** Mints a random id of 128 bits, such as `run_0123…`; the prefix tells its kind. */
export const newId = (prefix: string): string => `${prefix}_${crypto.randomUUID().replaceAll('-', '')}`
