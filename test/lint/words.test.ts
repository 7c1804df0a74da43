import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { proseOf } from '../../scripts/lint/markdown.ts'
import { breachesIn, sentencesOf } from '../../scripts/lint/sentences.ts'
import { commentsOf, hashCommentsOf, sentencesInStrings, sourceOf, titlesOf } from '../../scripts/lint/source.ts'
import { sourceTree } from './source-tree.ts'

describe('the rule of words', () => {
  test.each([
    ['a person as the subject', 'Whoever asks once more is answered.', 'Whoever'],
    ['an indefinite pronoun', 'A run that nobody waits for ends.', 'nobody'],
    ['the same in two words', 'A run that no one waits for ends.', 'no one'],
    ['"whose"', 'A call whose answer is read.', 'whose'],
    ['"of which"', 'Two pictures, of which one is kept.', 'of which'],
    ['"is told"', 'The webhook is told of it.', 'told'],
    ['a clause as the subject', 'What has arrived is stored.', 'a clause as the subject'],
    ['a question word as the subject', 'How long a run waits, in ms.', 'a clause as the subject'],
    ['21 words', `${'word '.repeat(20)}word.`, '21 words'],
    ['two relative clauses', 'A key that opens a team which has ended.', '2 relative clauses'],
  ])('refuses %s', (_, sentence, breach) => {
    expect(breachesIn(sentence).join()).toContain(breach)
  })

  test.each([
    'A retry of the request that started this run is reported as MISS (it pays), not HIT or JOINED.',
    'Releases an unused slot.',
    'Limits an outcome to one team or one of its keys.',
    'Whether the team exists, its profile, and what survives deletion.',
    'Jobs wait out upstream back-offs: up to 12, one hour in total.',
    'The run ends so that the slot that it holds is free.',
    `${'word '.repeat(19)}word.`,
  ])('accepts: %s', (sentence) => {
    expect(breachesIn(sentence)).toEqual([])
  })

  test('a sentence ends at a full stop, a blank line, a list item or a tag', () => {
    const text = 'One, e.g. 1.5 of `a. b`. Two?\n\nThree\n- Four\n@throws Five'
    expect(sentencesOf(text)).toEqual(['One, e.g 1.5 of code.', 'Two?', 'Three', 'Four', '@throws Five'])
  })
})

describe('prose', () => {
  test('consecutive line comments are one piece; comments for tools are none', () => {
    const source = sourceOf(
      'a.ts',
      '// One\n// and on.\nconst a = 1 // Two.\n// oxlint-disable-next-line no-eval\n/**\n * Three\n *     example\n */\n',
    )
    expect(commentsOf(source)).toEqual([
      { line: 1, text: 'One\nand on.' },
      { line: 3, text: 'Two.' },
      { line: 5, text: 'Three' },
    ])
  })

  test('a title is the first argument of a test function, with or without a table', () => {
    const text = "describe('A', () => { test(`b ${c}`, d); it.each([1])('e', f); test.for([1])('g', h) })"
    expect(titlesOf(sourceOf('a.test.ts', text)).map((title) => title.text)).toEqual(['A', 'b X', 'e', 'g'])
  })

  test('the first strings of a table are titles from three words on', () => {
    const text = "const rows = [['a b c', 1], ['d e', 2]]\ntest.each(rows)('f', g)\ntest.each(['h i j', k])('l', m)\n"
    expect(titlesOf(sourceOf('a.test.ts', text)).map((title) => title.text)).toEqual(['a b c', 'f', 'l', 'h i j'])
  })

  test('a string counts from four words and a full stop on', () => {
    const source = sourceOf('a.ts', "f('Send a smaller image.', 'no sentence', `At most ${n} of them.`, 'Too short.')")
    expect(sentencesInStrings(source).map(({ text }) => text)).toEqual(['Send a smaller image.', 'At most X of them.'])
  })

  test('a page has paragraphs, items and cells, without code and addresses', () => {
    const page = '# Head\nOne\nline [link](x.md).\n\n```\ncode\n```\n- item\n\n| a | b |\n|---|---|\n'
    expect(proseOf(page).map(({ line, text }) => [line, text.trim()])).toEqual([
      [1, '# Head'],
      [2, 'One\nline link.'],
      [8, '- item'],
      [10, 'a'],
      [10, 'b'],
    ])
  })

  test('a line that begins with # is a comment of a settings file', () => {
    expect(hashCommentsOf('# One\n# more\na = 1\n# Two')).toEqual([
      { line: 1, text: 'One\nmore' },
      { line: 4, text: 'Two' },
    ])
  })
})

test('the command fails on a bad comment and names its place', () => {
  using root = sourceTree({ 'bad.ts': 'const a = 1\n// Nobody asks for it.\n' })
  const file = join(root.path, 'bad.ts')
  const { status, stdout } = spawnSync(process.execPath, ['scripts/lint/words.ts', file], {
    encoding: 'utf8',
  })
  expect([status, stdout]).toEqual([1, expect.stringContaining(`${file}:2 "Nobody"`)])
})
