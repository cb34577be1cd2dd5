"""Why a score is what it is: additive contributions in words, with evidence (the one door to SHAP)."""
