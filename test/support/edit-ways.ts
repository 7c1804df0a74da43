import { KEY, knock } from './gateway'
import { pictureFile } from './pictures'
import { OPENAI } from './expected-failures'
import { deployment, MODEL, type Way } from './ways'

/** An edit of one fixed picture, in a form. */
const form = (
  name: string,
  wire: { path: (model: string) => string; fields?: Record<string, string>; headers?: (key: string) => HeadersInit },
  isNamed: (model: string) => boolean,
): Way => ({
  name,
  failures: OPENAI,
  ask: async ({ prompt, model = MODEL }, key = KEY) => {
    const body = new FormData()
    const fields = { ...wire.fields, ...(isNamed(model) ? { model } : {}), prompt }
    for (const [field, value] of Object.entries(fields)) body.append(field, value)
    body.append('image', await pictureFile('a cat'))
    return await knock(wire.path(model), { method: 'POST', headers: (wire.headers ?? bearer)(key), body })
  },
})

const bearer = (key: string): HeadersInit => ({ authorization: `Bearer ${key}` })

/** The wire formats with pictures for edits only. */
export const EDIT_WAYS: readonly Way[] = [
  form('OpenAI Images, edits in a form', { path: () => '/v1/images/edits' }, () => true),
  form('OpenAI Images, edits streamed', { path: () => '/v1/images/edits', fields: { stream: 'true' } }, () => true),
  form('OpenAI Images, variations', { path: () => '/v1/images/variations' }, (model) => model !== MODEL),
  form(
    'Azure, edits in a form',
    { path: (model) => deployment(model, 'edits'), headers: (key) => ({ 'api-key': key }) },
    () => false,
  ),
]
