/** The admin API of a gateway of the benchmark. */
export class Operator {
  readonly #url: string
  readonly #headers: Record<string, string>

  constructor(url: string, token: string) {
    this.#url = `${url}admin/api/`
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  }

  get(path: string): Promise<Response> {
    return fetch(this.#url + path, { headers: this.#headers })
  }

  /** Makes a team. */
  async team(id: string): Promise<void> {
    await this.#post('teams', { id })
  }

  /** Makes a key of a team, and returns its id and its text. */
  async key(team: string): Promise<{ id: string; key: string }> {
    const { id, key } = await this.#post(`teams/${team}/keys`, { name: 'bench' })
    return { id: String(id), key: String(key) }
  }

  async #post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const request = { method: 'POST', headers: this.#headers, body: JSON.stringify(body) }
    const response = await fetch(this.#url + path, request)
    const text = await response.text()
    if (response.status !== 201) throw new Error(`${path} was refused: ${text}`)
    return JSON.parse(text)
  }
}
