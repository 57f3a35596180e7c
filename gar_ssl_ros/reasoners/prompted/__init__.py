"""Any multimodal LLM as a reasoner: prompts, reply types and model descriptions; a runtime does the computing."""
