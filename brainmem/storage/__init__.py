"""Files: written whole or not at all, sealed with a checksum, and what killed runs leave behind."""
