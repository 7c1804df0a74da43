import { isShowable, redacted } from '../../runtime/redacted'

const MAX_MESSAGE = 500
/** A longer sentence is not read to its end. */
const MAX_READ = 4000

/** The note of new-api relays about their own request, in several languages. */
const REQUEST_NOTE = /\s*\((?:request id|request_id|请求 ?id): ?[^)]*\)/gi

/** An upstream's sentence about the request as one short line, without secrets, addresses and internal ids. */
export const upstreamSentence = (message: string, credential: string): string =>
  redacted(beginningOf(message).replaceAll(REQUEST_NOTE, ''), credential)
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .slice(0, MAX_MESSAGE)

/** A word that the limit cuts is left out: a part of a token does not look like one. */
const beginningOf = (message: string): string =>
  message.length > MAX_READ ? message.slice(0, MAX_READ).replace(/[\x21-\x7e]*$/, '') : message

const IDENTIFIER = /^[a-z][a-z_.[\]0-9]{0,63}$/

/** A parameter or a code that an upstream names; undefined for other words, such as a key. */
export const upstreamIdentifier = (name: string | undefined): string | undefined =>
  name !== undefined && IDENTIFIER.test(name) && isShowable(name) ? name : undefined
