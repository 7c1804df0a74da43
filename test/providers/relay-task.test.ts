import { describe, expect, test } from 'vitest'
import { stateAddresses, failureIn, standingIn, tasksIn } from '../../src/providers/wire/relay-task'
import { answerIn } from '../../src/providers/wire/task-pictures'

const tasks = (said: unknown, headers: Record<string, string> = {}): unknown => tasksIn(said, new Headers(headers))

describe('an answer is', () => {
  test.each<[unknown, string[]]>([
    [{ code: 200, data: [{ status: 'submitted', task_id: 'task_1' }] }, ['task_1']],
    [{ data: [{ task_id: 'a' }, { task_id: 'b' }, { task_id: 'a' }] }, ['a', 'b']],
    [{ data: { task_id: 'task_1', status: 'SUBMITTED' } }, ['task_1']],
    [{ output: { task_id: 'task_1', task_status: 'PENDING' } }, ['task_1']],
    [{ id: 'tsk_img_1', object: 'generation.task', status: 'queued' }, ['tsk_img_1']],
    [{ id: 'task-unified-1', object: 'image.generation.task', status: 'pending' }, ['task-unified-1']],
    [{ id: 'x', poll_url: '/v1/images/tasks/x' }, ['x']],
    [{ taskId: 42, error: null }, ['42']],
  ])('a task: %j', (said, ids) => {
    expect(tasks(said)).toMatchObject(ids.map((id) => ({ id })))
  })

  test.each<[unknown]>([
    [{ created: 1, data: [] }],
    [{ id: 'req_1', data: [] }],
    [{ id: 'x', object: 'list', status: 'completed' }],
    [{ task_id: 'x', error: { message: 'no balance' } }],
    [{ task_id: '../keys', status: 'submitted' }],
    [{ task_id: '..', status: 'submitted' }],
    [{ data: { task_id: '' } }],
    ['submitted'],
    [null],
  ])('no task: %j', (said) => {
    expect(tasks(said)).toEqual([])
  })
})

test.each([
  [{ data: { status: 'IN_PROGRESS', progress: '45%' }, status: 'success' }, 'running', 45],
  [{ status: 'in progress', progress: 12.5 }, 'running', 12.5],
  [{ progress: 300 }, 'running', 100],
  [{ status: 'Completed' }, 'done', undefined],
  [{ data: { task_status: 'succeed' } }, 'done', undefined],
  [{ data: { status: 'FAILURE' } }, 'failed', undefined],
  [{ state: 'expired' }, 'failed', undefined],
  [{ status: 'dreaming' }, 'unknown', undefined],
  [{ code: 'task_not_exist', data: null }, 'missing', undefined],
])('the standing of %j is %s', (said, standing, percent) => {
  expect(standingIn(said)).toEqual({ standing, percent })
})

describe('the address of a state', () => {
  const baseUrl = 'https://relay.example.com/api/v1'
  const own = ['/tasks/x', '/images/generations/x', '/images/tasks/x'].map((path) => baseUrl + path)

  test.each([
    ['/v1/images/tasks/x', 'https://relay.example.com/v1/images/tasks/x'],
    ['https://relay.example.com/jobs?id=x', 'https://relay.example.com/jobs?id=x'],
    ['https://user:key@relay.example.com/jobs/x#y', 'https://relay.example.com/jobs/x'],
  ])('named as %s comes first', (at, address) => {
    expect(stateAddresses({ id: 'x', at }, { baseUrl })).toEqual([address, ...own])
  })

  test.each([
    undefined,
    'https://elsewhere.example.com/v1/tasks/x',
    '//elsewhere.example.com/v1/tasks/x',
    'http://relay.example.com/tasks/x',
    'https://relay.example.com:8443/tasks/x',
    'https://relay.example.com@elsewhere.example.com/x',
    '/v1/keys/1',
    'http://',
  ])('named as %s does not count', (at) => {
    expect(stateAddresses({ id: 'x', at }, { baseUrl })).toEqual(own)
  })
})

test.each([
  [{ status: 'failed', error: 'No luck' }, { message: 'No luck' }],
  [{ code: 'success', message: '', data: { fail_reason: 'No luck' } }, { message: 'No luck' }],
  [
    { error: { message: 'No luck', code: 400, type: 'api_error' } },
    { message: 'No luck', code: '400', type: 'api_error' },
  ],
  [
    { http_status: 422, error: { message: 'No luck' } },
    { message: 'No luck', code: '422' },
  ],
  [{ status: 'failed' }, { message: '' }],
])('the reason of %j is read', (said, error) => {
  expect(failureIn(said)).toEqual({ error })
})

test.each([
  [{ usage: 1 }, { usage: 1 }],
  [{ data: { result: { usage: 1 } } }, { usage: 1 }],
  [
    { status: 'done', result: { data: [], created: 1 } },
    { data: [], created: 1 },
  ],
  [
    { code: 200, data: { data: { data: [], usage: 1 } } },
    { data: [], usage: 1 },
  ],
  [{ results: ['0'] }, {}],
])("OpenAI's answer within %j is found", (said, answer) => {
  expect(answerIn(said)).toEqual(answer)
})
