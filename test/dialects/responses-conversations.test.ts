import { describe, expect, test } from 'vitest'
import { configOf } from '../../src/config'
import { imageReference } from '../../src/store/links'
import { errorOf, KEY, knock } from '../support/gateway'
import { internet } from '../support/internet'
import { picture } from '../support/pictures'
import { type Answer, callIn, pictureIn, postResponse, respond, sha256Of, user } from '../support/responses'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { environment } from '../support/settings'

const { upstream } = upstreams()

const base64 = async (name: string, length?: number): Promise<string> => (await picture(name, length)).toBase64()

/** The operation of the last upstream call, with its pictures. */
function lastCall(): unknown[] {
  const call = upstream.calls.at(-1)
  return [call?.path, call?.fields['prompt'], ...(call?.files ?? []).map(({ name, sha256 }) => `${name} ${sha256}`)]
}

const editOf = (prompt: string, ...pictures: string[]): unknown[] => [
  '/v1/images/edits',
  prompt,
  ...pictures.map((each) => `${pictures.length > 1 ? 'image[]' : 'image'} ${sha256Of(each)}`),
]

/** The picture of an earlier answer, in each form of reference. */
const WAYS: [string, (answer: Answer) => Parameters<typeof respond>[0]][] = [
  ['previous_response_id', ({ id }) => ({ input: 'Add a hat', previous_response_id: id })],
  ['the call with its id', (answer) => ({ input: [{ ...callIn(answer), result: null }, user('Add a hat')] })],
  ['the call with its id and its picture', (answer) => ({ input: [user('A cat'), callIn(answer), user('Add a hat')] })],
  [
    'a reference to the call',
    (answer) => ({ input: [{ type: 'item_reference', id: callIn(answer).id }, user('Add a hat')] }),
  ],
]

describe('a conversation goes on', () => {
  test.each(WAYS)('from the picture referenced by %s', async (_, said) => {
    const first = await respond()
    const second = await respond(said(first))
    expect(lastCall()).toEqual(editOf('Add a hat', pictureIn(first)))
    expect(callIn(second).action).toBe('edit')
    expect(pictureIn(second)).not.toBe(pictureIn(first))
  })

  test.each(WAYS)('from the same picture, with one edit for equal requests, by %s', async (_, said) => {
    const first = await respond()
    await respond({ input: 'Add a hat', previous_response_id: first.id })
    const again = await postResponse({ ...said(first) })
    expect([again.headers.get('x-cache'), upstream.calls.length]).toEqual(['HIT', 2])
  })

  test('from a picture of some megabytes without a known id', async () => {
    const cat = await base64('a', 4_000_000)
    const call = { type: 'image_generation_call', id: 'ig_of_another', status: 'completed', result: cat } as const
    await respond({ input: [user('A cat'), call, user('Add a hat')] })
    expect(lastCall()).toEqual(editOf('Add a hat', cat))
  })

  test("from the last picture, with the later texts and pictures and the system's text", async () => {
    const [first, hat] = [await respond(), await base64('hat')]
    const second = await respond({ input: 'A dog', previous_response_id: first.id }, { action: 'generate' })
    const input = [
      { role: 'developer', content: 'No text in it.' } as const,
      user('A cat'),
      callIn(first),
      user('A dog instead'),
      { type: 'reasoning' as const, id: 'rs_1', summary: [] },
      callIn(second),
      { role: 'assistant', content: 'Here it is.' } as const,
      { type: 'item_reference', id: 'msg_1' } as const,
      user('Add this hat', hat),
    ]
    await respond({ input, instructions: 'Draw in ink.' })
    expect(lastCall()).toEqual(editOf('Draw in ink.\n\nNo text in it.\n\nAdd this hat', pictureIn(second), hat))
  })

  test('from pictures that follow the text by their ids', async () => {
    const [first, dog] = [await respond(), await respond({ input: 'A dog' })]
    const named = (answer: Answer) => ({ type: 'image_generation_call', id: callIn(answer).id })
    await postResponse({ input: [user('A cat'), named(first), user('Add a hat'), named(first)] })
    expect(lastCall()).toEqual(editOf('Add a hat', pictureIn(first)))
    await postResponse({ input: [user('Put both together'), named(first), named(dog)] })
    expect(lastCall()).toEqual(editOf('Put both together', pictureIn(first), pictureIn(dog)))
  })

  test('by no second purchase after the closing message of the model', async () => {
    const { output } = await respond()
    const again = await postResponse({ input: [user('A cat'), ...output] })
    expect([(await errorOf(again)).param, upstream.calls.length]).toEqual(['input', 1])
  })

  test('past a failed turn', async () => {
    const failed = { type: 'image_generation_call', id: 'ig_1', status: 'failed', result: null } as const
    await respond({ input: [user('A cat'), failed, user('Again')] })
    expect(lastCall()).toEqual(['/v1/images/generations', 'A cat\n\nAgain'])
  })

  test('from the picture of the answer, though a later run of the same request made another', async () => {
    const first = await respond({}, {}, { 'cache-control': 'no-cache' })
    const remade = await respond({ input: 'A cat' }, {}, { 'cache-control': 'no-cache' })
    expect(pictureIn(remade)).not.toBe(pictureIn(first))
    await respond({ input: 'Add a hat', previous_response_id: first.id })
    expect(lastCall()).toEqual(editOf('Add a hat', pictureIn(first)))
  })

  test("from the newest picture although the store's clock is behind", async () => {
    const generation = (await postResponse({})).headers.get('x-generation-id') ?? ''
    const naming = { team: 'default', generation, requestId: 'req_1', startedMs: Date.now() + 60_000 }
    const id = `resp_${imageReference(naming, undefined, configOf(environment()))}`
    await respond({ input: 'Add a hat', previous_response_id: id })
    expect(upstream.calls[1]?.path).toBe('/v1/images/edits')
  })
})

describe('pictures of the user', () => {
  test('are edited, from data URLs and from hosts', async () => {
    const [cat, hat] = [await base64('a'), await picture('hat')]
    internet({ 'api.openai.com': upstream, 'pictures.example.com': { handle: () => new Response(hat) } })
    const shown = { type: 'input_image', detail: 'auto', image_url: 'https://pictures.example.com/hat.png' } as const
    await respond({ input: [user('Put both together', cat), { role: 'user', content: [shown] }] })
    expect(lastCall()).toEqual(editOf('Put both together', cat, hat.toBase64()))
  })

  test.each([['data:image/png;base64,'], ['']])('are edited under a mask (%s…)', async (prefix) => {
    const [cat, mask] = [await base64('a'), await base64('mask')]
    await respond({ input: [user('A hat here', cat)] }, { input_image_mask: { image_url: prefix + mask } })
    expect(lastCall()).toEqual([...editOf('A hat here', cat), `mask ${sha256Of(mask)}`])
  })

  test('are left out of a new picture, with a note', async () => {
    const tools = [{ type: 'image_generation', action: 'generate', input_fidelity: 'high' }]
    const input = [user('A dog', await base64('a'))]
    const response = await postResponse({ input, tools })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'input_image'])
    expect(lastCall()).toEqual(['/v1/images/generations', 'A dog'])
    expect((await postResponse({ input, tools }, { 'x-strict': 'true' })).status).toBe(400)
  })
})

describe('a picture is not found', () => {
  const forged = 'AAAA'.repeat(30)
  const unknownCall = (id: string): Parameters<typeof respond>[0] => ({
    input: [{ type: 'image_generation_call', id, status: 'completed', result: null }, user('Add a hat')],
  })

  test.each([
    [{ previous_response_id: `resp_${forged}` }, 'previous_response_id', 'previous_response_not_found'],
    [{ previous_response_id: 'resp_68d1' }, 'previous_response_id', 'previous_response_not_found'],
    [unknownCall(`ig_${forged}`), 'input[0].id', 'image_file_not_found'],
    [unknownCall('ig_'), 'input[0].id', 'image_file_not_found'],
  ])('by an unknown id (%j)', async (said, param, code) => {
    await expect(respond(said)).rejects.toMatchObject({ status: 400, param, code })
    expect(upstream.calls).toHaveLength(0)
  })

  test('by the id of another team', async () => {
    const { key } = await team('acme')
    const { id, output } = await respond()
    const authorization = `Bearer ${key}`
    await expect(respond({ previous_response_id: id }, {}, { authorization })).rejects.toMatchObject({
      code: 'previous_response_not_found',
    })
    await expect(respond(unknownCall(output[0]?.id ?? ''), {}, { authorization })).rejects.toMatchObject({
      code: 'image_file_not_found',
    })
    await expect(respond({ previous_response_id: id })).resolves.toMatchObject({ status: 'completed' })
  })

  test('by an altered id', async () => {
    const { id } = await respond()
    const changed = id.replace(/.(?=.{40}$)/, (each) => (each === 'A' ? 'B' : 'A'))
    await expect(respond({ previous_response_id: changed })).rejects.toMatchObject({
      code: 'previous_response_not_found',
    })
  })

  test('after the deletion of its generation', async () => {
    const response = await postResponse({})
    const first = await response.json<Answer>()
    const path = `/v1/generations/${response.headers.get('x-generation-id')}`
    const deleted = await knock(path, { method: 'DELETE', headers: { authorization: `Bearer ${KEY}` } })
    expect(deleted.status).toBe(200)
    await expect(respond({ previous_response_id: first.id })).rejects.toMatchObject({
      code: 'previous_response_not_found',
    })
  })
})
