/** The text ended inside a value, because its sender was cut off. */
export class UnexpectedEnd extends Error {
  constructor() {
    super('the JSON text ends in the middle of a value')
  }
}

/** The text without its taken strings exceeds MAX_REST. */
export class TooLong extends Error {
  constructor() {
    super(`the JSON text without its images is longer than ${MAX_REST} bytes`)
  }
}

/** An object has two fields of one name. */
export class DuplicateKey extends SyntaxError {
  /** The place of the second one, with its key. */
  readonly path: readonly (string | number)[]

  constructor(path: readonly (string | number)[]) {
    super('an object of the JSON text has a key twice')
    this.path = path
  }
}

/** Five prompts of 32,000 characters, with every character escaped. */
export const MAX_REST = 1024 * 1024
