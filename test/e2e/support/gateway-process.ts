/* A gateway in a process of its own. Takes a `WorkerOrder` as JSON and prints `{"url":…}` once it listens. */
import { type WorkerOrder, startWorker } from '../../miniflare/worker.ts'

const order: WorkerOrder = JSON.parse(process.argv[2] ?? '')
const miniflare = await startWorker(order)
console.log(JSON.stringify({ url: await miniflare.ready }))
