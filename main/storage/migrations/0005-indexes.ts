// Schema 5: what is asked at every key press and after every label is read off indexes, instead of all that is known of every
// feature: which features have a tag, and who has written labels.
import type { Migration } from './migration.ts';

export const indexes: Migration = {
  version: 5,
  sql: `
CREATE INDEX feature_statistics_by_tags ON feature_statistics (set_id, tags, feature) WHERE tags <> '';
CREATE INDEX changes_by_label_author ON changes (json_extract(after, '$.author'), key) WHERE kind = 'label' AND after IS NOT NULL;
`,
};
