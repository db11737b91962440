"""`llasa-serve gpu-check`: checks the engine on a GPU that it has never met, without a download."""
