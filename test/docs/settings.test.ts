import { expect, test } from 'vitest'
import { settingsPage } from '../../scripts/docs/settings-page.ts'
import { settingsSchema } from '../../src/config'

test('docs/settings.md is the page that the schemas of src/config.ts give (`npm run docs` writes it)', async () => {
  await expect(settingsPage(settingsSchema)).toMatchFileSnapshot('../../docs/settings.md')
})
