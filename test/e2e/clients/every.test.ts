import { AI_4_CLIENTS } from '../../clients/ai-4/rows.ts'
import { AI_5_CLIENTS } from '../../clients/ai-5/rows.ts'
import { AI_6_CLIENTS } from '../../clients/ai-6/rows.ts'
import { LANGCHAIN_0_CLIENTS } from '../../clients/langchain-0/rows.ts'
import { served } from '../support/served.ts'
import { AI_SDK_TALKS } from './rows/ai-sdk-talk.ts'
import { AI_SDK_CLIENTS } from './rows/ai-sdk.ts'
import { AZURE_CLIENTS } from './rows/azure.ts'
import { GOOGLE_CLIENTS } from './rows/google-genai.ts'
import { LANGCHAIN_CLIENTS } from './rows/langchain.ts'
import { OPENAI_3_CLIENTS } from './rows/openai-3.ts'
import { OPENAI_CLIENTS } from './rows/openai.ts'
import { OPENROUTER_CLIENTS } from './rows/openrouter.ts'
import { OTHER_CLIENTS } from './rows/others.ts'
import { RAW_CLIENTS } from './rows/raw.ts'
import { testClients } from './support/test-clients.ts'

/** Some clients name no model. */
const SETTINGS = { DEFAULT_MODEL: 'gpt-image-2' }

testClients(served(SETTINGS), [
  ...OPENAI_CLIENTS,
  ...OPENAI_3_CLIENTS,
  ...RAW_CLIENTS,
  ...AZURE_CLIENTS,
  ...AI_SDK_CLIENTS,
  ...AI_SDK_TALKS,
  ...AI_6_CLIENTS,
  ...AI_5_CLIENTS,
  ...AI_4_CLIENTS,
  ...GOOGLE_CLIENTS,
  ...LANGCHAIN_CLIENTS,
  ...LANGCHAIN_0_CLIENTS,
  ...OPENROUTER_CLIENTS,
  ...OTHER_CLIENTS,
])
