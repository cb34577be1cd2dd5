"""The simulated market: prices, the wishes of agents, how they are matched and booked."""
