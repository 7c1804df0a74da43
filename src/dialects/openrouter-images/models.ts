import { fitSize } from '../../catalog/fit-size'
import type { Model } from '../../catalog/model'
import { MAX_INPUTS } from '../../image/request'
import type { ListedModel } from '../api'
import { createdAt, modalitiesOf } from '../openrouter/models'
import { MAX_COUNT } from '../request-limits'
import { MAX_REFERENCES } from './request'
import { type AskedSize, OPENROUTER_RATIOS, OPENROUTER_RESOLUTIONS, openrouterSize } from './size'

/** OpenRouter's list of image models (protocols §2.2). */
export const imageModels = (models: readonly ListedModel[]): unknown => ({
  data: models.map((listed) => ({
    id: listed.id,
    name: listed.id,
    created: createdAt(listed),
    description: '',
    architecture: modalitiesOf(listed),
    endpoints: `/api/v1/images/models/${listed.id}/endpoints`,
    supported_parameters: parametersOf(listed.model),
    supports_streaming: true,
  })),
})

/** The endpoints of an image model: this gateway alone. It lists no prices: they depend on the upstream that serves. */
export const imageEndpoints = ({ id, model }: ListedModel): unknown => ({
  id,
  endpoints: [
    {
      provider_name: 'Darkroom',
      provider_slug: 'darkroom',
      provider_tag: null,
      allowed_passthrough_parameters: [],
      pricing: [],
      supported_parameters: parametersOf(model),
      supports_streaming: true,
    },
  ],
})

type Capability =
  | { type: 'enum'; values: readonly string[] }
  | { type: 'range'; min: number; max: number }
  | { type: 'boolean' }

/** The parameters that a model is known to take exactly. Without known values a parameter is left out. */
function parametersOf(model: Model): Record<string, Capability> {
  const { qualities, backgrounds, formats, extras, compression, maxInputs = MAX_INPUTS } = model
  const references = Math.min(maxInputs, MAX_REFERENCES)
  return {
    ...oneOf(
      'resolution',
      exactValues(model, OPENROUTER_RESOLUTIONS, (resolution) => ({ resolution })),
    ),
    ...oneOf(
      'aspect_ratio',
      exactValues(model, OPENROUTER_RATIOS, (aspect_ratio) => ({ aspect_ratio })),
    ),
    ...oneOf('quality', qualities),
    ...oneOf('background', backgrounds),
    ...oneOf('output_format', formats),
    ...(compression === false ? {} : { output_compression: { type: 'range', min: 0, max: 100 } }),
    ...(references === 0 ? {} : { input_references: { type: 'range', min: 0, max: references } }),
    ...(extras?.includes('seed') ? { seed: { type: 'boolean' } } : {}),
    n: { type: 'range', min: 1, max: MAX_COUNT },
  }
}

const oneOf = (name: string, values: readonly string[] = []): Record<string, Capability> =>
  values.length === 0 ? {} : { [name]: { type: 'enum', values } }

/** The values of a parameter of size that a model makes without a change. */
const exactValues = <Value extends string>(
  { sizes }: Model,
  values: readonly Value[],
  asked: (value: Value) => AskedSize,
): readonly Value[] =>
  sizes.kind === 'unknown'
    ? []
    : values.filter((value) => {
        const size = openrouterSize(asked(value))
        return !('refusal' in fitSize({ size, operation: 'generate' }, sizes, false))
      })
