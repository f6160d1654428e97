"""The schema, one file per step: `SCRIPT` is SQL, `fill` adds rows. A step that was released is never edited."""
