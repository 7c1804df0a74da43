/* A gateway in a process of its own. Takes a `WorkerOrder` as JSON and prints `{"url":…}` once it listens. */
import { dirname } from 'node:path'
import { type WorkerOrder, startWorker } from '../../miniflare/worker.ts'

const order: WorkerOrder = JSON.parse(process.argv[2] ?? '')
// A killed Miniflare leaves its temporary files; there, they are removed with the bundle.
process.env['TMPDIR'] = dirname(order.bundle)
const miniflare = await startWorker(order)
console.log(JSON.stringify({ url: await miniflare.ready }))
