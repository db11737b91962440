"""`llasa-serve batch`: many books at once on a Ray cluster, without a service."""
