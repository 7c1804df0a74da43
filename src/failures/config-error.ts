/** A fault of one setting, fit for the operator. Neither part holds a value, which may be a secret. */
export interface SettingFault {
  /** The name of the setting, with the place in it: `UPSTREAMS.0.secret`. */
  setting: string
  /** The rest of a sentence after the name; it gives the value to set. */
  fault: string
}

/** Wrong settings. The message is for the operator alone. */
export class ConfigError extends Error {
  readonly faults: readonly SettingFault[]

  constructor(...faults: SettingFault[]) {
    super(faults.map(({ setting, fault }) => `${setting} ${fault}.`).join(' '))
    this.faults = faults
  }
}
