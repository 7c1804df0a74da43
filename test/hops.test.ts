import { describe, expect, test } from 'vitest'
import { nextHops } from '../src/runtime/hops'

const GATEWAY = '00000000000000aa'
const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at).padStart(16, '0'))

describe('the next header of hops', () => {
  test.each([
    ['no header', undefined, GATEWAY],
    ['another gateway', '00000000000000bb', `00000000000000bb, ${GATEWAY}`],
    ['words of a client', 'darkroom,\t<b>,00000000000000bb ', `00000000000000bb, ${GATEWAY}`],
    ['seven gateways', ids(7).join(','), [...ids(7), GATEWAY].join(', ')],
    ['this gateway', GATEWAY, undefined],
    ['this gateway among others', `00000000000000bb,${GATEWAY} ,00000000000000cc`, undefined],
    ['eight gateways', ids(8).join(','), undefined],
  ])('for %s', (_, received, next) => {
    expect(nextHops(received, GATEWAY)).toBe(next)
  })
})
