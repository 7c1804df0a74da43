import type * as z from 'zod'
import type { SettingFault } from '../failures/config-error'
import { isShowable } from '../runtime/redacted'

/** The faults that a schema finds. They name the settings, and never their values, which may be secrets. */
export const faultsOf = ({ issues }: z.ZodError): SettingFault[] => issues.map(faultOf)

function faultOf(issue: z.core.$ZodIssue): SettingFault {
  const { path, input } = issue
  const [name = ''] = path.map(String)
  if (input === undefined && path.length === 1 && issue.code === 'invalid_type')
    return { setting: name, fault: `is not set: set it with npx wrangler secret put ${name}` }
  return { setting: path.map((part) => shownName(String(part))).join('.'), fault: sentenceOf(issue) }
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `has the unknown field ${issue.keys.map(shownName).join(', ')}: see docs/settings.md for its fields`
  const words = issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message
  return PREDICATE.test(words) ? words : `is wrong: ${words}`
}

/** The beginning of a message that goes on with the name of its setting. */
const PREDICATE = /^(?:is|needs) /

const LONGEST_SHOWN = 64

/** A name out of the settings. A word like a pasted secret is not repeated. */
export const shownName = (name: string): string =>
  name.length <= LONGEST_SHOWN && isShowable(name) ? name : '(a name that looks like a secret)'
