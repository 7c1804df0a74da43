import type { ErrorScope, ProviderErrorKind } from '../provider'

/** The content of an error body. Each provider reads its own form. */
export interface ErrorReport {
  message?: string | undefined
  code?: string | undefined
  type?: string | undefined
  /** The parameter at fault. */
  param?: string | undefined
  /** The kind, if the provider's own codes decide it. */
  kind?: ProviderErrorKind | undefined
  /** The reach of a failure with a kind; the account by default. */
  scope?: ErrorScope | undefined
  /** The reach of its limits, if they are not those of the account. */
  limits?: 'model' | undefined
  /** Whether the content was refused. */
  moderated?: boolean | undefined
  /** Whether the upstream does not know the model. Another upstream may. */
  isUnknown?: boolean | undefined
  /** The real status of an error inside a good answer. */
  status?: number | undefined
  /** Whether the error comes from an API behind this one. Its account is not the gateway's. */
  isBehind?: boolean | undefined
  /** The wait that the body asks for, in ms. */
  waitMs?: number | undefined
}

/** Reads an error body of one API. */
export type ErrorReader = (body: unknown, status: number) => ErrorReport
