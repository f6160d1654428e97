"""The database: engine and units of work, column types, paging, wake-up hints, migrations."""
