"""What every closed issue promised, measured at full size."""
