"""The examples' agents, and what keeps each of them from the vendor: its model is a script in the Pod."""

from __future__ import annotations

from e2e.examples import MODEL_URL

# The programs are large, and an image that is new to the node is unpacked first.
PATIENCE = 180.0
NOWHERE = "http://127.0.0.1:9"
ALONE = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1,localhost"}
# The example's folder, and the variables with the address of the vendor's API.
AGENTS = {
    "claude-code": ("10-claude-code", {"ANTHROPIC_BASE_URL": MODEL_URL}),
    "codex": ("11-codex", {"OPENAI_BASE_URL": f"{MODEL_URL}/v1"}),
    "gemini-cli": ("12-gemini-cli", {"GOOGLE_GEMINI_BASE_URL": MODEL_URL}),
    # It would first request a list of models, and wait for it.
    "opencode": ("13-opencode", {"ANTHROPIC_BASE_URL": f"{MODEL_URL}/v1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}),
    "aider": ("14-aider", {"OPENAI_API_BASE": f"{MODEL_URL}/v1"}),
}
