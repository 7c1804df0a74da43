import { KEY, knock } from './gateway'
import { pictureFile } from './pictures'
import { OPENAI, type Way } from './ways'

const MODEL = 'gpt-image-2'

/** An edit of always the same picture, in a form. */
const form = (
  name: string,
  path: string,
  fields: Record<string, string>,
  headers: (key: string) => HeadersInit,
): Way => ({
  name,
  failures: OPENAI,
  ask: async ({ prompt }, key = KEY) => {
    const body = new FormData()
    for (const [field, value] of Object.entries({ ...fields, prompt })) body.append(field, value)
    body.append('image', await pictureFile('a cat'))
    return await knock(path, { method: 'POST', headers: headers(key), body })
  },
})

const bearer = (key: string): HeadersInit => ({ authorization: `Bearer ${key}` })

/** The ways of asking that know pictures only to be edited. */
export const EDIT_WAYS: readonly Way[] = [
  form('OpenAI Images, edits in a form', '/v1/images/edits', { model: MODEL }, bearer),
  form('OpenAI Images, edits streamed', '/v1/images/edits', { model: MODEL, stream: 'true' }, bearer),
  form('OpenAI Images, variations', '/v1/images/variations', {}, bearer),
  form(
    'Azure, edits in a form',
    `/openai/deployments/${MODEL}/images/edits?api-version=2025-04-01-preview`,
    {},
    (key) => ({
      'api-key': key,
    }),
  ),
]
