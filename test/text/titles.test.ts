import { describe, expect, test } from 'vitest'
import { KEY, post } from '../support/gateway'
import { settings } from '../support/settings'
import { issue, team } from '../support/teams'
import { texts } from '../support/texts'

const { first, images } = texts()

interface Completion {
  choices: { message: { content: string } }[]
}

const PICTURED = [
  { role: 'user', content: 'A cat' },
  { role: 'assistant', content: 'Here.' },
]

const chat = (content: unknown, more: object = {}, key = KEY): Promise<Response> =>
  post(
    '/v1/chat/completions',
    { model: 'gpt-image-2', messages: [...PICTURED, { role: 'user', content }], ...more },
    { authorization: `Bearer ${key}` },
  )

const NEXTCHAT =
  'Please generate a four to five word title summarizing our conversation without any lead-in, punctuation or symbols.'

describe('a chat that asks an image model for words alone', () => {
  test.each<[string, unknown, object]>([
    ['by the prompt of NextChat', NEXTCHAT, {}],
    ['by its Chinese prompt', '使用四到五个字直接返回这句话的简要主题，不要解释、不要标点', {}],
    [
      'by the prompt of Open WebUI',
      '### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.',
      {},
    ],
    [
      'by the prompt of LibreChat',
      [{ type: 'text', text: 'Provide a concise, 5-word-or-less title for the conversation.' }],
      {},
    ],
    ['by too few tokens for a picture', 'Hi', { max_tokens: 5 }],
  ])('%s, costs nothing and gets no picture', async (_, content, more) => {
    const response = await chat(content, more)
    const { choices } = await response.json<Completion>()
    expect([response.status, choices[0]?.message.content]).toEqual([
      200,
      expect.stringMatching(/^(?:Image$|A picture has)/),
    ])
    expect([images.calls, first.calls]).toEqual([[], []])
  })

  test('has the answer as a stream, if it asks for one', async () => {
    const text = await (await chat(NEXTCHAT, { stream: true })).text()
    expect(text).toMatch(/"delta":\{"role":"assistant","content":"Image"\}.*\n\ndata: \[DONE\]\n\n$/)
  })

  test.each([[[{ toString: 'Ad@!' }]], [{ toString: 1 }], [7]])(
    'with the model %j is refused by that field',
    async (model) => {
      const response = await chat('Hi', { max_tokens: 5, model })
      expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'model' } }])
    },
  )

  test.each<[string, unknown, object]>([
    ['with room for it', 'A cat', { max_tokens: 100 }],
    ['with its modality', 'A cat', { max_tokens: 5, modalities: ['image', 'text'] }],
    ['of a title', 'A book cover with the title "Our conversation"', {}],
  ])('differs from one for a picture %s', async (_, content, more) => {
    expect((await (await chat(content, more)).text()).includes('![image](')).toBe(!('modalities' in more))
    expect(images.calls).toHaveLength(1)
  })
})

describe('with a model for titles', () => {
  test('goes to that, under the name of the upstream', async () => {
    settings({ TITLE_MODEL: 'quick' })
    const response = await chat(NEXTCHAT)
    await response.text()
    expect([response.status, response.headers.get('x-model')]).toEqual([200, 'gpt-5.2'])
    expect(first.calls.map(({ fields }) => fields['model'])).toEqual(['gpt-5.2'])
    expect(images.calls).toEqual([])
  })

  test('is answered in words to a key that may not use that', async () => {
    settings({ TITLE_MODEL: 'quick' })
    await team('acme')
    const { key } = await issue('acme', { limits: { models: ['gpt-image-2'] } })
    expect(await (await chat(NEXTCHAT, {}, key)).json()).toMatchObject({ choices: [{ message: { content: 'Image' } }] })
    expect(first.calls).toEqual([])
  })
})
