"""Mail: posted in the transaction that it tells of, and carried afterwards."""
