"""Tables larger than memory: planned, written shard by shard, and read back from a disk or from object storage."""
