/*
 * The rule of words. The subject is a noun of the code and the verb is in the present tense.
 * A sentence has at most 20 words and one relative clause. The checks are heuristics; each errs towards silence.
 */

const MAX_WORDS = 20
const MAX_RELATIVE_CLAUSES = 1

/** Phrases with a person or a clause as the subject, and the private vocabulary of earlier versions. */
const FORBIDDEN: [pattern: RegExp, instead: string][] = [
  [
    /\b(whoever|whomever|whom|nobody|no one|somebody|anybody|anyone|everybody|everyone)\b/i,
    'name the request, the client, the team …',
  ],
  [/\bwhose\b/i, 'use a noun and "of", or a second sentence'],
  [/\bof which\b/i, 'use a second sentence'],
  [/\btold\b/i, 'use a verb: receives, reads, reports, is notified'],
  [/\bwhat (is|are|was|were|has|have|had)\b/i, 'use a noun'],
  [/\b(errands?|glimpses?|hindrances?)\b/i, 'use the name of today'],
  [/\bnear cop(y|ies)\b/i, 'say "edge copy"'],
  [/\b(sits?|sat|sitting) out\b/i, 'say "waits out"'],
]

/**
 * The first words of a clause as the subject. `Whether` is the usual word for a boolean and stays.
 * A title may begin with `that`, since it goes on from the title of its group.
 */
const CLAUSE_AS_SUBJECT =
  /^([Ww]hat|[Ww]hatever|[Ww]hichever|[Ww]hich|[Ww]ho|[Hh]ow|[Ww]hy|[Tt]hose (who|that|which)|[Oo]ne that|That (there|it|a|an|the|one))\b/

/** Words before `that` after which it is no relative pronoun: it points at a noun, or begins an object clause. */
const BEFORE_OTHER_THAT = new Set(
  (
    'so such now given except provided seeing is was are be means mean meant says say said saying shows show showing knows know known ensures ensure ' +
    'checks check asserts assert proves prove proving claims claim note assumes assume guarantees guarantee believes believe states state promises promise ' +
    'requires require expects expect tells tell hides hide finds find sees see learns learn implies imply confirms confirm reports report records ' +
    'verifies verify detects detect sure fact evidence proof sign certain likely likelier possible true false ' +
    'in of for to with at from by on as and or if like than when over after before until since under per into but not only without within because while through about between against all'
  ).split(' '),
)

/** Words before `where` after which it means "if". */
const BEFORE_IF = new Set(
  'undefined null missing absent empty none nothing true false only except even or and but'.split(' '),
)

/** Splits at full stops, blank lines, list items and tags such as `@throws`. */
export function sentencesOf(text: string): string[] {
  return text
    .replaceAll(/`[^`]*`/g, 'code')
    .replaceAll(/\b(e\.g|i\.e|etc|vs|cf|approx)\./gi, '$1')
    .split(/\n\s*\n|\n\s*(?=(?:[-*]|\d+\.)\s|@\w+)/)
    .flatMap((block) => block.replaceAll(/\s+/g, ' ').split(/(?<=[.?!…]["')]*)\s+(?=\S)/))
    .map((sentence) => sentence.replace(/^((?:[-*#>]|\d+\.)\s+)+/, '').trim())
    .filter((sentence) => /[a-z]/i.test(sentence))
}

/** The breaches of the rule in a text, in words; none where it holds. */
export function breachesIn(text: string): string[] {
  return sentencesOf(text).flatMap((sentence) => breachesOf(sentence).map((breach) => `${breach}: ${sentence}`))
}

function breachesOf(sentence: string): string[] {
  const breaches = FORBIDDEN.flatMap(([pattern, instead]) => {
    const found = pattern.exec(sentence)
    return found ? [`"${found[0]}" (${instead})`] : []
  })
  if (CLAUSE_AS_SUBJECT.test(sentence) && !sentence.endsWith('?')) breaches.push('a clause as the subject')
  const words = wordsOf(sentence)
  if (words.length > MAX_WORDS) breaches.push(`${words.length} words`)
  const clauses = relativeClausesIn(words)
  if (clauses > MAX_RELATIVE_CLAUSES) breaches.push(`${clauses} relative clauses`)
  return breaches
}

/** Words in lower case, without punctuation; a dash or an arrow between spaces is none. */
function wordsOf(sentence: string): string[] {
  return sentence
    .toLowerCase()
    .split(/\s+/)
    .map((word) => word.replaceAll(/^[^\p{L}\p{N}§$%@]+|[^\p{L}\p{N}%]+$/gu, ''))
    .filter((word) => word !== '')
}

/** Counts `which`, `who`, and `that` and `where` in the place of a relative pronoun. */
function relativeClausesIn(words: string[]): number {
  return words.filter((word, at) => {
    if (word === 'which' || word === 'who') return true
    if (at === 0 || at === words.length - 1) return false
    if (word === 'where') return !BEFORE_IF.has(words[at - 1] ?? '')
    return word === 'that' && !BEFORE_OTHER_THAT.has(words[at - 1] ?? '')
  }).length
}
