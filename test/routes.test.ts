import { expect, test } from 'vitest'
import { app } from '../src/app'
import { knock } from './support/gateway'

test('every route fits into one regular expression for each method: a request is matched in one step', async () => {
  await knock('/health')
  expect(app.router).toMatchObject({ name: 'SmartRouter + RegExpRouter' })
})
