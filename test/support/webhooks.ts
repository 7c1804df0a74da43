import { env } from 'cloudflare:workers'
import type { DeliveryReport } from '../../src/team/deliveries'
import { operate } from './teams'

/** A webhook as the admin API shows it. */
export interface WebhookJson {
  object: string
  url: string | null
  disabled_at: string | null
  secret: string
  previous_secret: string | null
  previous_secret_until: string | null
}

/** The webhook of the team `acme`. */
export const webhook = async (): Promise<WebhookJson> =>
  await (await operate('GET', '/teams/acme/webhook')).json<WebhookJson>()

/** A delivery as the admin API shows it, with the fields that tests read. */
interface DeliveryJson {
  id: string
  status: string
  attempts: number
}

interface DeliveryPage {
  data: DeliveryJson[]
  has_more: boolean
  next_cursor: string | null
}

/** Those of the team `acme`. */
export const deliveries = async (query = ''): Promise<DeliveryPage> =>
  await (await operate('GET', `/teams/acme/webhook/deliveries${query}`)).json<DeliveryPage>()

export const HOOK = 'https://hooks.example.com/in'

/** Reports the state of a delivery to the team `acme`, as the generation of its event does. */
export async function note(facts: Partial<DeliveryReport> = {}): Promise<void> {
  const stub = env.TEAMS.getByName('acme')
  await stub.recordDelivery({
    id: 'evt_1',
    generation: 'gen_1',
    type: 'image.generation.completed',
    url: HOOK,
    status: 'pending',
    attempts: 0,
    createdMs: Date.now(),
    ...facts,
  })
}
