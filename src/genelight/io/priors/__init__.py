"""What is known of genes beside expression: networks, sets, p values, perturbations."""
