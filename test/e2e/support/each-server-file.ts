import { waitPatiently } from '../../support/patience.ts'

// Each check is a request to a process.
waitPatiently(50)
