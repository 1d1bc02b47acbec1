"""Why a verdict is what it is, and what an operator has to change."""
