/*
 * Schemas for the optional parts of an answer. A value of another type reads as missing, because the pictures are made
 * and paid for.
 */
import * as z from 'zod'

export const optionalText = z.string().nullish().catch(undefined)

/** A count of tokens, from 0. */
export const tokenCount = z.int().nonnegative()
