"""The SQL of the directory. Whoever changes it holds the campus's directory lock."""
