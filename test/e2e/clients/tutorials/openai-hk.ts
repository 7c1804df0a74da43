/* The curl lines of protocols §9.5, as they stand there. */

export const TEXT_TO_IMAGE = String.raw`curl  https://api.openai-hk.com/v1/images/generations \
  -H 'Authorization: Bearer hk-替换为你的key' \
  -H "Content-Type: application/json" \
  -d '{
    "model": "gpt-image-2",
    "prompt": "a white siamese cat",
    "n": 1,
    "size": "1024x1024",
    "quality": "low"
  }'`

export const IMAGE_EDIT = String.raw`curl -X POST "https://api.openai-hk.com/v1/images/edits" \
  -H "Authorization: Bearer hk-替换为你的key" \
  -F "model=gpt-image-2" \
  -F "image[]=@body-lotion.png" \
  -F "image[]=@bath-bomb.png" \
  -F "image[]=@incense-kit.png" \
  -F "image[]=@soap.png" \
  -F 'prompt=Generate a photorealistic image of a gift basket on a white background labeled "Relax & Unwind" with a ribbon and handwriting-like font, containing all the items in the reference pictures'`

/** The files that the second one sends. */
export const FILES = ['body-lotion.png', 'bath-bomb.png', 'incense-kit.png', 'soap.png'] as const
