"""The engine before `deployments.llasa`: transformers' continuous batching, kept to compare with it."""
