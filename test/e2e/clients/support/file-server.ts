import { once } from 'node:events'
import { createServer } from 'node:http'

/** A website with pictures. */
export interface FileServer {
  /** The site's origin; every path serves the file. */
  origin: string
  stop: () => Promise<void>
}

/** Answers every request with this file. */
export async function serveFile(file: File): Promise<FileServer> {
  const bytes = await file.bytes()
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': file.type }).end(bytes))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
