import { missingParameter, unknownParameter } from '../../failures/parameters'
import { type Failure, GatewayError } from '../../failures/errors'
import { type NamedPicture, referenceIn } from '../named-picture'

/** The picture of a message or a mask. Throws GatewayError. */
export function pictureSource(
  place: string,
  { image_url, file_id }: { image_url?: string | null | undefined; file_id?: string | null | undefined },
): NamedPicture {
  if (file_id) throw new GatewayError(unknownParameter(`${place}.file_id`, NO_FILES))
  if (!image_url) throw new GatewayError(missingParameter(`${place}.image_url`))
  return { ordinal: image_url, param: `${place}.image_url` }
}

const NO_FILES = "This gateway keeps no files. Send the picture as 'image_url', an https URL or a data URL."

const CALL_PREFIX = 'ig_'
const RESPONSE_PREFIX = 'resp_'

/** The ids of a response and of its items. A later request names the picture by that of the response or the call. */
export interface AnswerIds {
  call: string
  response: string
  message: string
}

export const answerIds = (reference: string): AnswerIds => ({
  call: CALL_PREFIX + reference,
  response: RESPONSE_PREFIX + reference,
  message: `msg_${reference}`,
})

export const isCallId = (id: string): boolean => id.startsWith(CALL_PREFIX)

/** The picture of an earlier call; `param` holds its id. */
export const pictureOfCall = (id: string, param: string): NamedPicture => ({
  reference: referenceIn(id, CALL_PREFIX),
  param,
  unknown: {
    code: 'invalid_request',
    message: `The picture that '${param}' names was not made here, or is no longer kept. Send it as the item's 'result'.`,
    param,
    reason: 'image_file_not_found',
  },
})

/** The reference in the id of a response. */
export const referenceOfResponse = (id: string): string => referenceIn(id, RESPONSE_PREFIX)

/** The picture of an earlier response. */
export const pictureOfResponse = (id: string): NamedPicture => ({
  reference: referenceOfResponse(id),
  param: UNKNOWN_RESPONSE.param,
  unknown: UNKNOWN_RESPONSE,
})

const UNKNOWN_RESPONSE = {
  code: 'invalid_request',
  message:
    "Previous response not found: it was not made here, or is no longer kept. Send its picture in 'input' instead.",
  param: 'previous_response_id',
  reason: 'previous_response_not_found',
} as const satisfies Failure
