import * as fc from 'fast-check'

/** The steps of a life, each a number that chooses one of what can happen then. */
export const lives = fc.noBias(fc.array(fc.nat({ max: 9999 }), { minLength: 1, maxLength: 120, size: 'max' }))
