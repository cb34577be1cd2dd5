"""What several detectors share; the detectors themselves stand one folder above."""
