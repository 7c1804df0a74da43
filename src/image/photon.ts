import { initPhoton } from '@cf-wasm/photon/others'

let loaded: Promise<unknown> | undefined

/** Compiles photon, once per isolate; its functions work from then on. */
export async function loadPhoton(): Promise<void> {
  loaded ??= import('@cf-wasm/photon/photon.wasm').then((wasm) => initPhoton({ module_or_path: wasm.default }))
  await loaded
}
