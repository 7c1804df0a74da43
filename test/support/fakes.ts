import { FakeArk } from './fake-ark.ts'
import { FakeAzureOpenai } from './fake-azure-openai.ts'
import { FakeBlackForestLabs } from './fake-black-forest-labs.ts'
import { FakeDashscope } from './fake-dashscope.ts'
import { FakeFal } from './fake-fal.ts'
import { FakeFireworks } from './fake-fireworks.ts'
import { FakeGemini } from './fake-gemini.ts'
import { FakeGrsai } from './fake-grsai.ts'
import { FakeIdeogram } from './fake-ideogram.ts'
import { FakeMidjourneyProxy } from './fake-midjourney-proxy.ts'
import { FakeOpenaiChat } from './fake-openai-chat.ts'
import { FakeOpenrouter } from './fake-openrouter.ts'
import { FakeRecraft } from './fake-recraft.ts'
import { FakeReplicate } from './fake-replicate.ts'
import { FakeStability } from './fake-stability.ts'
import { FakeTogether } from './fake-together.ts'
import { FakeWorkersAi } from './fake-workers-ai.ts'
import { FakeXai } from './fake-xai.ts'
import type { FakeProvider } from './fake-provider.ts'

/** A fake of every upstream API. */
export const FAKES: readonly (new () => FakeProvider)[] = [
  FakeArk,
  FakeAzureOpenai,
  FakeBlackForestLabs,
  FakeDashscope,
  FakeFal,
  FakeFireworks,
  FakeGemini,
  FakeGrsai,
  FakeIdeogram,
  FakeMidjourneyProxy,
  FakeOpenaiChat,
  FakeOpenrouter,
  FakeRecraft,
  FakeReplicate,
  FakeStability,
  FakeTogether,
  FakeWorkersAi,
  FakeXai,
]
