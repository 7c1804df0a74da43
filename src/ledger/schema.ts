import { TEXT_OPERATION } from './entry'

/** The table of runs. An index of its own finds the runs for images among many for texts. */
export const LEDGER_SCHEMA = `
  CREATE TABLE IF NOT EXISTS ledger (
    id TEXT PRIMARY KEY, generation TEXT NOT NULL, request TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL,
    operation TEXT NOT NULL, prompt TEXT NOT NULL, n INTEGER NOT NULL,
    status TEXT NOT NULL, failure TEXT, started_ms INTEGER NOT NULL, ended_ms INTEGER, expires_ms INTEGER NOT NULL,
    reserved INTEGER NOT NULL, cost INTEGER,
    estimated INTEGER NOT NULL DEFAULT 0, lost_cost INTEGER DEFAULT 0, images INTEGER NOT NULL DEFAULT 0,
    image_keys TEXT NOT NULL DEFAULT '[]', kept_keys TEXT NOT NULL DEFAULT '[]', attempts INTEGER NOT NULL DEFAULT 0, route TEXT,
    upstream TEXT, account INTEGER, served_model TEXT, upstream_request TEXT, organization TEXT,
    size TEXT, quality TEXT, input_tokens INTEGER, output_tokens INTEGER, deleted_ms INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS ledger_started ON ledger (started_ms, id);
  CREATE INDEX IF NOT EXISTS ledger_key ON ledger (key, started_ms, id);
  CREATE INDEX IF NOT EXISTS ledger_generation ON ledger (generation, started_ms, id);
  CREATE INDEX IF NOT EXISTS ledger_running ON ledger (key, expires_ms, reserved) WHERE status = 'running';
  CREATE INDEX IF NOT EXISTS ledger_pictured ON ledger (started_ms, id) WHERE operation <> '${TEXT_OPERATION}';
  CREATE INDEX IF NOT EXISTS ledger_kept ON ledger (started_ms) WHERE kept_keys <> '[]';
`
