import type { Dialect } from '../dialect'
import { imagesDialect } from './openai-images'
import { type Operation, parseImages, type ImagesAnswerOptions } from './request'

/**
 * OpenAI's Images API on Azure (protocols §6.1): a deployment in the path is the model, and `api-version` changes
 * nothing.
 */
const azureDialect = (operation: Operation): Dialect<ImagesAnswerOptions> => ({
  ...imagesDialect(operation),
  id: `azure-images-${operation}`,
  parse: (intake) => parseImages(intake, operation, intake.param('model')),
})

export const azureGenerations = azureDialect('generations')
export const azureEdits = azureDialect('edits')
