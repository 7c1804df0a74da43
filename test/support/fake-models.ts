import type { FakeProvider } from './fake-provider.ts'

/** The name by which a gateway that has all the fakes is asked for the model of one, and of no other. */
export function modelOf({ model, provider }: FakeProvider, fakes: readonly FakeProvider[]): string {
  const isSole = fakes.filter((fake) => fake.model === model).length === 1
  return isSole ? model : `${model}-at-${provider}`
}

/** The entries of UPSTREAMS that lead to fakes, each of which serves that one model. */
export const settingsOf = (fakes: readonly FakeProvider[]): Record<string, unknown>[] =>
  fakes.map((fake) => ({ ...fake.setting(), models: [ruleOf(fake, fakes)] }))

function ruleOf(fake: FakeProvider, fakes: readonly FakeProvider[]): string {
  const [, theirs = fake.model] = fake.models.find((rule) => rule.startsWith(`${fake.model}=`))?.split('=') ?? []
  return `${modelOf(fake, fakes)}=${theirs}`
}
