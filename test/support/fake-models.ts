import type { FakeProvider } from './fake-provider.ts'

/** The gateway's name for the model of one fake alone. */
export function modelOf({ model, provider }: FakeProvider, fakes: readonly FakeProvider[]): string {
  const isSole = fakes.filter((fake) => fake.model === model).length === 1
  return isSole ? model : `${model}-at-${provider}`
}

/** The entries of UPSTREAMS for fakes, each with that one model. */
export const settingsOf = (fakes: readonly FakeProvider[]): Record<string, unknown>[] =>
  fakes.map((fake) => ({ ...fake.setting(), models: [ruleOf(fake, fakes)] }))

function ruleOf(fake: FakeProvider, fakes: readonly FakeProvider[]): string {
  const [, theirs = fake.model] = fake.models.find((rule) => rule.startsWith(`${fake.model}=`))?.split('=') ?? []
  return `${modelOf(fake, fakes)}=${theirs}`
}
