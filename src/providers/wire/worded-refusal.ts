/** A model declines. Words alone may also tell of a fault of the model. */
const DECLINING =
  /\b(?:i(?:['’]m| am) (?:very |so )?(?:sorry|unable|not able)|i (?:can(?:['’]t|not| not)|won['’]t|will not|must decline|decline)|(?:we|i)(?:['’]re| are)? (?:so |very )?sorry|unable to (?:create|generate|make|help|fulfil)|(?:request|prompt|query) (?:was|has been) (?:declined|rejected|refused)|(?:request|prompt|query) (?:violates|may violate))\b|抱歉|对不起|(?:无法|不能|拒绝)(?:生成|创建|绘制|制作|提供|处理)/i

/** The subject of a policy on content. Words about it alone may be a part of a story. */
const POLICY_TOPIC =
  /\b(?:polic(?:y|ies)|guidelines?|guardrails?|safety|violat\w+|moderation|prohibited|not allowed|harmful|inappropriate|sexual\w*|explicit|nudity|nude|erotic|violence|violent|gore|hateful|hate speech|illegal|self-harm|minors?|copyright\w*|trademark\w*|likeness|public figures?|real (?:people|persons?))\b|违反|违规|政策|准则|规范|敏感|色情|裸露|暴力|血腥|版权|侵权|未成年|违法|安全/i

const ADDRESS = /\bhttps?:\/\/\S+/g

/** Whether words without a picture refuse the content. Both signs are needed, since either alone may mean less. */
export function isWordedRefusal(words: string): boolean {
  const said = words.replaceAll(ADDRESS, '')
  return DECLINING.test(said) && POLICY_TOPIC.test(said)
}
