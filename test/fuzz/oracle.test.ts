import { describe, expect, test } from 'vitest'
import { faultsOfAnswer, faultsOfLog, MARK } from './oracle'

const request = {
  route: '/v1/images/generations',
  method: 'POST',
  path: '/v1/images/generations',
  headers: [],
  body: undefined,
  end: 'whole' as const,
}
const HEADERS = { 'content-type': 'application/json', 'x-request-id': 'req_1' }
const ERROR = { message: 'No.', type: 'invalid_request_error', param: null, code: null }

const faults = (body: string, status = 200, path = request.path, headers: Record<string, string> = HEADERS): string[] =>
  faultsOfAnswer({ ...request, path }, new Response(body, { status, headers }), body)

const failed = (error: object): string => JSON.stringify({ error })

describe('the fuzzer finds', () => {
  test.each<[string, string[], RegExp]>([
    ['a 500', faults(failed({ ...ERROR, type: 'server_error' }), 500), /^a 500/],
    ['a secret', faults(`{"a":"admin-token-of-the-tests"}`), /^an answer with admin-token/],
    [
      'a secret in a header',
      faults('{}', 200, '/', { ...HEADERS, 'x-upstream': 'sk-upstream-secret' }),
      /with sk-upstream/,
    ],
    ["an upstream's body", faults(failed({ ...ERROR, message: MARK }), 400), /^an answer with body-of/],
    ['a stack', faults(failed({ ...ERROR, message: 'Error: x\n    at run (/app/index.js:10:5)' }), 400), /stack/],
    ['a missing key of an error', faults(failed({ message: 'No.', type: 'x', param: null }), 400), /foreign shape/],
    ['a further key of an error', faults(failed({ ...ERROR, stack: 'x' }), 400), /foreign shape/],
    ["OpenAI's error for Gemini", faults(failed(ERROR), 400, '/v1beta/models/a:generateContent'), /foreign shape/],
    ["OpenAI's error for OpenRouter", faults(failed(ERROR), 400, '/api/v1/images'), /foreign shape/],
    [
      "OpenAI's error of GrsAI with 200",
      faults('{"code":-1,"message":"No."}', 200, '/v1/draw/completions'),
      /foreign shape/,
    ],
    ['an error in plain text', faults('Not found', 404, '/', { 'x-request-id': 'req_1' }), /foreign shape/],
    ['an error without an id', faults(failed(ERROR), 404, '/', { 'content-type': 'application/json' }), /x-request-id/],
    ['a cut JSON', faults('{"data":[', 200), /no JSON/],
    ['a cookie', faults('{}', 200, '/', { ...HEADERS, 'set-cookie': 'a=b' }), /header of the upstream/],
    ['a secret in the log', faultsOfLog('{"key":"sk-dr-default-tests"}'), /^a log with sk-dr/],
    ['a signed link in the log', faultsOfLog('{"url":"https://a/images/b?exp=1&sig=ab"}'), /signed query/],
    ['an unforeseen error', faultsOfLog('{"event":"run-failed"}'), /unforeseen/],
  ])('%s', (_, found, words) => {
    expect(found).toEqual([expect.stringMatching(words)])
  })

  test.each([
    ['an error of OpenAI', failed(ERROR), 400, '/v1/images/generations'],
    ['an error of OpenRouter', failed({ code: 400, message: 'No.', metadata: { reason: 'x' } }), 400, '/api/v1/images'],
    ['an answer', '{"data":[]}', 200, '/v1/images/generations'],
  ])('no fault in %s', (_, body, status, path) => {
    expect(faults(body, status, path)).toEqual([])
  })
})
