import { describe, expect, test } from 'vitest'
import { addressIn, ask, ASKED, complete, dataUrl, type Message, part, shown } from '../support/chat'
import { errorOf, openai } from '../support/gateway'
import { internet } from '../support/internet'
import { picture } from '../support/pictures'
import { hex, sha256 } from '../support/fake-picture'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const user = (content: string): Message => ({ role: 'user', content })
const assistant = (content: string): Message => ({ role: 'assistant', content })
const hashOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => hex(await sha256(bytes))

/** The last prompt of the upstream, and the pictures with it. */
function sent(): { path: string; prompt: unknown; pictures: string[] } | undefined {
  const call = upstream.calls.at(-1)
  return call && { path: call.path, prompt: call.fields['prompt'], pictures: call.files.map(({ sha256 }) => sha256) }
}

const edit = (prompt: string, ...pictures: string[]): ReturnType<typeof sent> => ({
  path: '/v1/images/edits',
  prompt,
  pictures,
})

describe('a message after an answer edits its picture', () => {
  test('by the link in the answer, after the progress of a stream', async () => {
    const { choices } = await complete(ASKED.messages)
    const link = addressIn(choices[0]?.message.content)
    await complete([...ASKED.messages, assistant(`> 10%\n> 90%\n\n![image](${link})`), user('Make it blue')])
    expect(sent()).toEqual(edit('Make it blue', await hashOf(await shown(link))))
  })

  test("by its message in the client's own form, turn after turn", async () => {
    const history: Message[] = [user('A cat')]
    const links: string[] = []
    for (const next of ['Make it blue', 'Add a hat', 'Thank you']) {
      const { choices } = await complete(history)
      if (choices[0]) history.push(choices[0].message)
      links.push(addressIn(choices[0]?.message.content))
      history.push(user(next))
    }
    expect(sent()).toEqual(edit('Add a hat', await hashOf(await shown(links[1] ?? ''))))
  })

  test.each([
    ['in Markdown', (url: string) => ({ role: 'assistant', content: `Here:\n\n![a "cat"](${url})\n\nMore?` })],
    ['by itself', (url: string) => ({ role: 'assistant', content: url })],
    ['as a part', (url: string) => ({ role: 'assistant', content: [{ type: 'text', text: 'Here' }, part(url)] })],
    [
      'as a part without a type',
      (url: string) => ({ role: 'assistant', content: [{ type: 'image_url', image_url: url }] }),
    ],
    ['beside the text', (url: string) => ({ role: 'assistant', content: '', images: [part(url)] })],
    ['by a tool', (url: string) => ({ role: 'tool', tool_call_id: 'call_1', content: [part(url)] })],
  ])('carried as a data URL of megabytes %s', async (_, message) => {
    const bytes = await picture('big', 5_500_000)
    const response = await ask({ messages: [user('A cat'), message(dataUrl(bytes)), user('Make it blue')] })
    expect([response.status, sent()]).toEqual([200, edit('Make it blue', await hashOf(bytes))])
  })

  test('linked by another relay', async () => {
    const bytes = await picture('far')
    internet({ 'api.openai.com': upstream, 'pictures.example.com': { handle: () => new Response(bytes) } })
    const link = 'https://pictures.example.com/far.png'
    for (const content of [
      `> 进度 40%\n![图片](${link} "far")\n[下载](https://pictures.example.com/gone)`,
      ` ${link}\n`,
    ]) {
      await complete([user('A cat'), assistant(content), user(`Make it ${content.length}`)])
      expect(sent()).toEqual(edit(`Make it ${content.length}`, await hashOf(bytes)))
    }
  })
})

describe('a conversation', () => {
  test('without a picture yet prompts with its whole text', async () => {
    await complete([user('A cat'), assistant('Which colour? See https://example.com/colours.'), user('Black')])
    expect(sent()).toEqual({ path: '/v1/images/generations', prompt: 'A cat\n\nBlack', pictures: [] })
  })

  test('drops the text before its last picture', async () => {
    const bytes = await picture('last')
    const gone = assistant('![a](https://gone.example.com/a.png)')
    const made = assistant(`![b](${dataUrl(bytes)})`)
    await complete([user('A cat'), gone, user('A dog'), made, user('A hat'), assistant('Sure'), user('A red one')])
    expect(sent()).toEqual(edit('A hat\n\nA red one', await hashOf(bytes)))
  })

  test('may have any other fields of clients', async () => {
    const calls = [{ id: 'call_1', type: 'function', function: { name: 'draw', arguments: '{"a":1}'.repeat(200_000) } }]
    const messages = [
      user('A cat'),
      { role: 'assistant', content: null, tool_calls: calls, reasoning: 'Hm', annotations: [], refusal: null },
      { role: 'tool', tool_call_id: 'call_1', content: 'done' },
      {
        role: 'assistant',
        content: [{ type: 'refusal', refusal: 'No' }],
        reasoning_details: [{ type: 'x', data: 'y' }],
      },
      {
        role: 'user',
        name: 'ann',
        content: [{ type: 'text', text: 'On a mat', cache_control: { type: 'ephemeral' } }],
      },
    ]
    expect((await ask({ messages })).status).toBe(200)
    expect(sent()?.prompt).toBe('A cat\n\nOn a mat')
  })
})

describe('the pictures of a user', () => {
  test('are edited in their order, as parts and in texts', async () => {
    const [a, b, c] = [await picture('a', 300), await picture('b', 400), await picture('c', 500)]
    internet({ 'api.openai.com': upstream, 'pictures.example.com': { handle: () => new Response(b) } })
    const content = [
      { type: 'text' as const, text: `Put this: ![x](${dataUrl(a)}) on` },
      part('https://pictures.example.com/b.png'),
      { type: 'text' as const, text: 'and this ' },
      part(dataUrl(c)),
    ]
    await complete([{ role: 'user', content }])
    expect(sent()).toEqual(edit('Put this:  on\n\nand this', await hashOf(a), await hashOf(b), await hashOf(c)))
  })

  test('come after the picture that they are added to', async () => {
    const [made, more] = [await picture('made'), await picture('more')]
    const content = [{ type: 'text' as const, text: 'Add this' }, part(dataUrl(more))]
    await complete([user('A cat'), assistant(dataUrl(made)), { role: 'user', content }])
    expect(sent()).toEqual(edit('Add this', await hashOf(made), await hashOf(more)))
  })

  test('may come without a text, as a variation', async () => {
    const bytes = await picture('a')
    const response = await ask({ messages: [{ role: 'user', content: [part(dataUrl(bytes))] }] })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'messages>variation'])
    expect(sent()).toEqual(edit(expect.stringMatching(/^Make a variation of this image/), await hashOf(bytes)))
  })

  test('are refused where they are unreadable', async () => {
    const messages = [
      user('A cat'),
      { role: 'user', content: [{ type: 'text', text: 'x' }, part('https://gone.example.com/a')] },
    ]
    expect(await errorOf(await ask({ messages }))).toMatchObject({
      status: 400,
      code: 'invalid_image_url',
      param: 'messages[1].content[1].image_url.url',
    })
    const text = [user(`What of ![a](data:image/png;base64,${'A'.repeat(200)})?`)]
    expect(await errorOf(await ask({ messages: text }))).toMatchObject({
      status: 400,
      code: 'invalid_image_file',
      param: 'messages[0].content',
    })
    expect(upstream.calls).toHaveLength(0)
  })
})

test('an edit in a conversation is the same as one by the images API', async () => {
  const bytes = await picture('a')
  const image = new File([bytes], 'a.png', { type: 'image/png' })
  await openai().images.edit({ model: 'gpt-image-2', prompt: 'Make it blue', image })
  const response = await ask({ messages: [user('A cat'), assistant(dataUrl(bytes)), user('Make it blue')] })
  expect([response.headers.get('x-cache'), upstream.calls.length]).toEqual(['HIT', 1])
})

test('an altered link of this gateway is not followed', async () => {
  const { choices } = await complete(ASKED.messages)
  const link = addressIn(choices[0]?.message.content).replace(/sig=.{4}/, 'sig=AAAA')
  const messages = [...ASKED.messages, assistant(`![image](${link})`), user('Make it blue')]
  expect(await errorOf(await ask({ messages }))).toMatchObject({
    status: 400,
    code: 'invalid_image_url',
    param: 'messages[1].content',
    message: expect.stringContaining('link of this gateway'),
  })
})
