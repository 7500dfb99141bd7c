"""What every test shares: properties are judged by their result, not by how busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("genelight", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("genelight")
