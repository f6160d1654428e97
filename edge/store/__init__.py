"""All SQL of the edge: one writer, readers, migrations, one module per noun, the outbox."""
