/** Pages that comments cite and docs/ does not hold yet. */
export const TODO = ['protocols', 'platform', 'design', 'seeds']
