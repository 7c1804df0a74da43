import { imageEdits, imageGenerations, imageVariations } from './openai-images'

/** Every dialect whose answers may be asked for later. */
export const DIALECTS = [imageGenerations, imageEdits, imageVariations] as const
